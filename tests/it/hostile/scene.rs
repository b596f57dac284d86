//! A machine with a good agent, a good provider, and one more that a test does what it likes with.

use crate::lines::{CLAUDE_FILE, claude_spends};
use crate::provider::{Answer, FakeProvider, Request};
use crate::world::{Output, World};

pub const KEY: &str = "sk-hostile-0123456789abcdef";
pub const GOOD_BILL: &str = "1.5";

/// What reads the provider's answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    Native,
    Described,
}

use Reader::{Described, Native};

pub const READERS: [Reader; 2] = [Native, Described];

impl Reader {
    pub fn id(self) -> &'static str {
        match self {
            Native => "openai-admin",
            Described => "mine",
        }
    }

    /// Requests of a look that goes well: costs, and tokens in two pieces of at most 31 days.
    pub fn calls(self) -> usize {
        match self {
            Native => 3,
            Described => 1,
        }
    }

    pub fn config(self, base: &str) -> String {
        match self {
            Native => format!("[providers.openai-admin]\nbase_url = \"{base}\"\n"),
            Described => own("mine", base, "MINE_KEY"),
        }
    }
}

/// A provider of the user's own with a bill, a limit and pages.
pub fn own(id: &str, base: &str, variable: &str) -> String {
    format!(
        "[[provider]]\nid = \"{id}\"\nname = \"Own {id}\"\nbase_url = \"{base}\"\n\
         [provider.key]\nvariables = [\"{variable}\"]\n\
         [[provider.call]]\npath = \"/v1/spend\"\npage = {{ send = {{ cursor = \"/next\" }} }}\n\
         [[provider.call.cost]]\neach = \"/days\"\nday = \"/date\"\namount = \"/dollars\"\n\
         currency = \"USD\"\n\
         [[provider.call.quota]]\nname = \"5 hours\"\npercent_used = \"/percent\"\n\
         resets_at = \"/resets\"\nseconds = 18000\noptional = true\n"
    )
}

/// The bill of 2 November, in the words of whoever is asked, with this amount as it stands in JSON
/// and this cursor to a next page.
pub fn bill(request: &Request, amount: &str, cursor: Option<&str>) -> Answer {
    let next = cursor.map_or("null".into(), |cursor| format!("\"{cursor}\""));
    let more = cursor.is_some();
    Answer::ok(match request.path.as_str() {
        "/v1/organization/costs" => format!(
            r#"{{"data":[{{"start_time":1793577600,"end_time":1793664000,"results":[{{"amount":{{"value":{amount},"currency":"usd"}},"project_id":null}}]}}],"has_more":{more},"next_page":{next}}}"#
        ),
        "/v1/spend" => format!(
            r#"{{"days":[{{"date":"2026-11-02","dollars":{amount}}}],"next":{next},"percent":40,"resets":"2026-11-03T12:30:00Z"}}"#
        ),
        _ => r#"{"data":[],"has_more":false,"next_page":null}"#.into(),
    })
}

pub fn good(request: &Request) -> Answer {
    bill(request, GOOD_BILL, None)
}

/// A machine with a good agent, a good provider and one more provider.
pub struct Scene {
    pub reader: Reader,
    /// The one more.
    pub other: FakeProvider,
    /// The good one.
    pub good: FakeProvider,
    pub world: World,
    minute: u32,
}

impl Scene {
    pub fn new(reader: Reader) -> Self {
        Self::with(reader, FakeProvider::answering(good))
    }

    pub fn with(reader: Reader, other: FakeProvider) -> Self {
        let fine = FakeProvider::answering(good);
        let world = World::new()
            .at("2026-11-03T12:00:00Z")
            .env("OPENAI_ADMIN_KEY", KEY)
            .env("MINE_KEY", KEY)
            .env("FINE_KEY", "sk-fine-0123456789")
            .config(&reader.config(&other.base_url()))
            .config(&own("fine", &fine.base_url(), "FINE_KEY"));
        let world = if reader == Described { world.without_env("OPENAI_ADMIN_KEY") } else { world };
        world.append(CLAUDE_FILE, &claude_spends("2026-11-03T11:00:00.000Z", "A", 60));
        Self { reader, other, good: fine, world, minute: 0 }
    }

    /// Looks a minute later, and gives what is said then and how often the provider was asked.
    pub fn look(&mut self) -> (Said, usize) {
        self.minute += 1;
        self.world.set_clock(&format!("2026-11-03T12:{:02}:00Z", self.minute));
        let before = self.other.requests().len();
        // A provider that fails is no failure of the program.
        let poll = self.world.run(["poll"]).success();
        let requests = self.other.requests().len() - before;
        (self.said(poll), requests)
    }

    /// What is said about the world, after a check that no word and no file holds the key.
    pub fn said(&self, poll: Output) -> Said {
        let run = |arguments| self.world.run(arguments).success().all();
        let said = Said { poll: poll.all(), status: run(["status"]), doctor: run(["doctor"]) };
        let all = format!("{}{}{}{}", said.poll, said.status, said.doctor, run(["sources"]));
        assert!(!all.contains(KEY), "{all}");
        for (file, bytes) in self.world.files() {
            let holds = bytes.windows(KEY.len()).any(|window| window == KEY.as_bytes());
            assert!(!holds, "{} holds the key", file.display());
        }
        said
    }

    pub fn state(&self, id: &str) -> String {
        self.world.source(id)["state"].as_str().expect("a state").to_owned()
    }

    pub fn billed(&self, id: &str) -> String {
        let report = self.world.report("source");
        let rows = report["rows"].as_array().expect("rows");
        let row = rows.iter().find(|row| row["source"] == id);
        row.and_then(|row| row["billed_usd"].as_str()).unwrap_or("nothing").to_owned()
    }

    /// The others' rows are what they always are.
    pub fn check_neighbours(&self, name: &str) {
        let status = self.world.run(["status"]).success().stdout;
        let row =
            |of: &str| one_line(status.lines().find(|line| line.contains(of)).unwrap_or_default());
        let reader = self.reader;
        assert_eq!(row("Claude Code"), "Claude Code ≈ $0.60", "{reader:?}, {name}: {status}");
        assert!(row("Own fine").contains("5 hours 40 % used"), "{reader:?}, {name}: {status}");
        assert_eq!(self.state("fine"), "ok", "{reader:?}, {name}");
        assert_eq!(self.billed("fine"), GOOD_BILL, "{reader:?}, {name}");
    }
}

/// What the commands say.
#[derive(Debug)]
pub struct Said {
    poll: String,
    status: String,
    doctor: String,
}

impl Said {
    /// Whoever looks, and whoever asks for a diagnosis, reads this sentence.
    #[track_caller]
    pub fn tells(&self, sentence: &str, name: &str) {
        for text in [&self.poll, &self.doctor] {
            assert!(
                one_line(text).contains(sentence),
                "{name}: no {sentence:?} in {}",
                self.news()
            );
        }
        let short = [
            ("gave no answer", "no answer"),
            ("asked too often", "asked too often"),
            ("has a fault", "provider has a fault"),
            ("is not right", "check the config"),
        ];
        let short = short.iter().find(|(long, _)| sentence.contains(long));
        let short = short.map_or("answer not understood", |(_, short)| short);
        assert!(self.status.contains(short), "{name}: no {short:?} in {}", self.status);
    }

    /// What `poll` says of the sources that are there.
    pub fn news(&self) -> String {
        let absent = |line: &&str| line.ends_with("not found") || line.ends_with("needs a key");
        self.poll.lines().filter(|line| !absent(line)).collect::<Vec<_>>().join("\n")
    }
}

pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
