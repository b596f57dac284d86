//! Watches of quota windows and balances: one alert each time, whatever happens in between.

use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::provider::{Answer, FakeProvider};
use crate::world::World;

const PLAN: &str = r#"
[[provider]]
id = "plan"
name = "A plan"
base_url = "BASE"
[[provider.call]]
path = "/limits"
[[provider.call.quota]]
name = "week"
seconds = 604800
percent_used = "/percent"
resets_at = "/resets"
[[provider.call.balance]]
name = "credits"
amount = "/left"
currency = "USD"

[[watch]]
source = "plan"
quota = "week"
thresholds = [80, 95]
[[watch]]
source = "plan"
balance = "all"
below = 5
"#;

fn titles(world: &World) -> Vec<String> {
    let title = |alert: &Value| alert["title"].as_str().expect("a title").to_owned();
    world.alerts().iter().map(title).collect()
}

#[test]
fn a_window_and_a_balance_speak_once_each_time_they_cross() {
    let answer = Arc::new(Mutex::new(String::new()));
    let served = Arc::clone(&answer);
    let provider =
        FakeProvider::answering(move |_| Answer::ok(served.lock().expect("held").clone()));
    let world =
        World::new().at("2026-03-02T12:00:00Z").config(&PLAN.replace("BASE", &provider.base_url()));
    let say = |percent: u32, left: &str, resets: &str| {
        *answer.lock().expect("held") =
            format!(r#"{{"percent":{percent},"left":"{left}","resets":"{resets}T08:00:00Z"}}"#);
        world.run(["poll"]).success();
        titles(&world)
    };
    let (this, next) = ("2026-03-05", "2026-03-12");
    assert!(say(40, "9", this).is_empty());
    let first = "A plan: week 82 % used";
    assert_eq!(say(82, "9", this), [first]);
    assert_eq!(say(84, "9", this), [first], "it spoke already");
    let low = "A plan: credits $4.99 left";
    assert_eq!(say(84, "4.99", this), [first, low]);
    assert_eq!(say(84, "3", this), [first, low]);
    let second = "A plan: week 96 % used";
    assert_eq!(say(96, "20", this), [first, low, second]);
    // A new week, and the credit that was topped up runs low again.
    let (third, again) = ("A plan: week 81 % used", "A plan: credits $1.00 left");
    assert_eq!(say(81, "1", next), [first, low, second, third, again]);
    let status = world.run(["status"]).success().stdout;
    assert!(status.contains("week 81 % used · new on 12 Mar"), "{status}");
    let json = world.run(["alerts", "--json"]).success().json();
    assert_eq!(json["alerts"][0]["amount_usd"], serde_json::Value::Null);
}
