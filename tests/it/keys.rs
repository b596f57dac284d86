//! A key reaches its own host and nothing else: no other host, no file, no output.

use crate::provider::{Answer, FakeProvider, Fault, Request};
use crate::world::{Output, World};

const KEYS: [(&str, &str, &str); 3] = [
    ("openai-admin", "OPENAI_ADMIN_KEY", "sk-admin-synthetic-OPENAI-0123456789abcdefAAAA"),
    ("anthropic-admin", "ANTHROPIC_ADMIN_KEY", "sk-ant-admin-synthetic-ANTHROPIC-0123456789BBBB"),
    ("openrouter", "OPENROUTER_API_KEY", "sk-or-synthetic-OPENROUTER-0123456789abcdefCCCC"),
];

#[test]
fn a_key_goes_to_its_own_host_and_shows_up_nowhere() {
    let providers = KEYS.map(|(id, ..)| FakeProvider::of_fixture(id));
    let mut world = World::new().at("2026-11-03T12:00:00Z");
    for ((id, variable, key), provider) in KEYS.iter().zip(&providers) {
        world = world.provider(id, provider).env(variable, key);
    }
    let mut outputs: Vec<Output> = Vec::new();
    let faults =
        [Fault::None, Fault::Status(401), Fault::Status(500), Fault::HalfAnAnswer, Fault::Hangup];
    for fault in faults {
        providers.iter().for_each(|provider| provider.set_fault(fault.clone()));
        outputs.push(world.run(["poll"]));
        outputs.push(world.run(["status"]));
        outputs.push(world.run(["status", "--json"]));
        outputs.push(world.run(["sources", "--json"]));
        outputs.push(world.run(["doctor"]));
        outputs.push(world.run(["doctor", "--json"]));
        outputs.push(world.run(["report", "--json"]));
        outputs.push(world.run(["key", "list"]));
        outputs.push(world.run(["key", "test", "openai-admin"]));
        outputs.push(world.run(["config", "check"]));
    }
    for (own, provider) in KEYS.iter().zip(&providers) {
        let requests = provider.requests();
        assert!(!requests.is_empty(), "{}", own.0);
        for request in requests {
            assert_eq!(request.method, "GET", "{}: only ever reads", own.0);
            assert!(request.head.contains(own.2), "{}: asked without its key", own.0);
            assert!(!request.path.contains(own.2), "{}: in the path", own.0);
            assert!(!request.query.values().any(|value| value.contains(own.2)), "{}", own.0);
            for other in KEYS.iter().filter(|other| other.0 != own.0) {
                assert!(!request.head.contains(other.2), "{} got the key of {}", own.0, other.0);
            }
        }
    }
    check_no_trace(&world, &outputs);
    let list = world.run(["key", "list"]).success().stdout;
    for (id, _, key) in KEYS {
        let last_four = &key[key.len() - 4..];
        assert!(list.contains(id) && list.contains(last_four), "{id}: {list}");
        assert!(!list.contains(&key[key.len() - 6..]), "four and no more: {list}");
    }
}

#[test]
fn a_key_does_not_follow_a_redirect_to_another_host() {
    for (id, variable, key) in KEYS {
        let thief = FakeProvider::on_another_host(|_| Answer::ok("{}"));
        let provider = FakeProvider::of_fixture(id);
        provider.set_fault(Fault::Redirect(thief.base_url()));
        let world =
            World::new().at("2026-11-03T12:00:00Z").provider(id, &provider).env(variable, key);
        let poll = world.run(["poll"]);
        let stolen = |request: &Request| request.head.contains(key);
        assert!(!provider.requests().is_empty(), "{id}: {}", poll.all());
        assert!(!thief.requests().iter().any(stolen), "{id}: the key went to another host");
        check_no_trace(&world, &[poll]);
    }
}

#[test]
fn testing_a_key_tells_a_good_one_from_a_bad_one() {
    let (id, variable, key) = KEYS[0];
    let provider = FakeProvider::of_fixture(id);
    let world = World::new().at("2026-11-03T12:00:00Z").provider(id, &provider).env(variable, key);
    world.run(["key", "test", id]).success();
    provider.set_fault(Fault::Status(401));
    let refused = world.run(["key", "test", id]).exits_with(1);
    assert!(refused.stderr.contains("401"), "{}", refused.all());
    let world = world.without_env(variable);
    world.run(["key", "test", id]).exits_with(1);
}

#[test]
fn a_key_is_never_taken_from_the_command_line() {
    let world = World::new().at("2026-11-03T12:00:00Z");
    let (id, _, key) = KEYS[0];
    let output = world.run(["key", "set", id, key]).exits_with(2);
    assert!(!output.all().contains(key), "not even to complain about it: {}", output.all());
}

#[test]
fn without_a_keyring_the_variable_is_named() {
    let world = World::new().at("2026-11-03T12:00:00Z");
    let set = world.run_with_input(["key", "set", "openai-admin"], "sk-admin-synthetic-0123\n");
    let set = set.exits_with(1);
    assert!(set.stderr.contains("OPENAI_ADMIN_KEY"), "{}", set.stderr);
    let unknown = world.run_with_input(["key", "set", "nobody"], "sk-admin-synthetic-0123\n");
    assert!(matches!(unknown.code, Some(1 | 2)), "{unknown:?}");
    assert!(unknown.stderr.contains("nobody"), "{}", unknown.stderr);
}

fn check_no_trace(world: &World, outputs: &[Output]) {
    for (id, _, key) in KEYS {
        // A key in pieces is a leak too.
        let piece = &key[..key.len() - 6];
        for output in outputs {
            assert!(!output.all().contains(piece), "{id}: printed: {output:?}");
        }
        for (path, bytes) in world.files() {
            let leaked = bytes.windows(piece.len()).any(|window| window == piece.as_bytes());
            assert!(!leaked, "{id}: the key is in {}", path.display());
        }
    }
}
