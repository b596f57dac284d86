//! A hostile world over the whole program: providers that drip, lie, never end or send too much.
//! In each case the row says what is wrong in plain words, the last good figures stay, a good
//! provider and a good agent beside it are unharmed, no output and no file holds the key, and the
//! number of requests is the one that is meant.
//!
//! Each case is played to both kinds of reader: one that is written for its provider, and one that
//! goes by a description.

mod cases;
mod scene;

use std::time::{Duration, Instant};

use cases::{End, bomb, cases, large_pages, long};
use scene::Reader::{Described, Native};
use scene::{GOOD_BILL, READERS, Scene, good, one_line, own};

use crate::lines::{CLAUDE_FILE, claude_spends};
use crate::provider::{Answer, FakeProvider, Fault};
use crate::wire::{Certificate, authority};
use crate::world::{PATIENCE, eventually};

#[test]
fn each_hostile_answer_dims_its_own_row_and_nothing_else() {
    for reader in READERS {
        let mut scene = Scene::new(reader);
        assert_eq!(scene.look().1, reader.calls());
        assert_eq!(scene.billed(reader.id()), GOOD_BILL);
        for (name, fault, native, described) in cases() {
            let (requests, end) = if reader == Native { native } else { described };
            scene.other.set_fault(fault);
            let (said, asked) = scene.look();
            assert_eq!(asked, requests, "{reader:?}, {name}: {}", said.news());
            match end {
                End::Says(sentence) => {
                    said.tells(sentence, &format!("{reader:?}, {name}"));
                    assert_eq!(scene.state(reader.id()), "failing", "{reader:?}, {name}");
                    assert_eq!(scene.billed(reader.id()), GOOD_BILL, "{reader:?}, {name}");
                }
                End::Bills(amount) => {
                    assert_eq!(scene.state(reader.id()), "ok", "{reader:?}, {name}");
                    assert_eq!(scene.billed(reader.id()), amount, "{reader:?}, {name}");
                }
            }
            scene.check_neighbours(name);
        }
        scene.other.set_fault(Fault::None);
        assert_eq!(scene.look().1, reader.calls());
        assert_eq!(scene.billed(reader.id()), GOOD_BILL, "it recovers by itself");
        // Ten minutes after a limit was to start anew nothing is made up.
        assert!(!scene.world.run(["status"]).stdout.contains("runs out"));
    }
}

#[test]
fn a_key_does_not_follow_a_redirect_to_another_host() {
    for (reader, sentence) in [
        (Native, "is not right: it redirects to another address, where the key must not go."),
        (Described, "does not know: it redirects to another address, where the key must not go."),
    ] {
        let thief = FakeProvider::on_another_host(good);
        let mut scene = Scene::new(reader);
        let to = format!("{}/v1/spend", thief.base_url());
        scene.other.set_fault(Fault::Answer(Answer::error(301, "").header("location", to)));
        let (said, requests) = scene.look();
        said.tells(sentence, "a redirect");
        assert_eq!((requests, thief.requests().len()), (1, 0));
        scene.check_neighbours("a redirect");
    }
}

#[test]
fn a_certificate_that_has_expired_is_not_trusted() {
    for reader in READERS {
        for certificate in [Certificate::Good, Certificate::Expired] {
            let mut scene = Scene::with(reader, FakeProvider::secured(certificate, good));
            scene.world = scene.world.env("SSL_CERT_FILE", authority());
            let (said, requests) = scene.look();
            match certificate {
                Certificate::Good => {
                    assert_eq!(requests, reader.calls(), "{}", said.news());
                    assert_eq!(scene.state(reader.id()), "ok");
                }
                Certificate::Expired => {
                    let sentence = "gave no answer: the certificate of 127.0.0.1 is not trusted.";
                    said.tells(sentence, "an expired certificate");
                    assert_eq!(requests, 0, "nothing is sent, least of all a key");
                }
            }
            scene.check_neighbours("a certificate");
        }
    }
}

/// Bodies are bounded while they arrive and are unpacked: 2 MiB where a description reads them,
/// 32 MiB elsewhere, and all pages of a look together 8 MiB and 64 MiB. An answer is read in one piece, so that a native provider may take twice its
/// bound for a moment.
#[test]
fn too_much_is_refused_and_memory_stays_bounded() {
    for (name, fault, reader, most_mib, end) in [
        ("10 MB", long(10), Native, 100, None),
        ("10 MB", long(10), Described, 60, Some("it is larger than 2 MiB")),
        ("a bomb", bomb(1024), Native, 120, Some("it is larger than 32 MiB")),
        ("a bomb", bomb(1024), Described, 60, Some("it is larger than 2 MiB")),
        ("large pages", large_pages(24), Native, 120, Some("together are larger than 64 MiB")),
        ("large pages", large_pages(1), Described, 60, Some("together are larger than 8 MiB")),
    ] {
        let scene = Scene::new(reader);
        scene.other.set_fault(fault);
        let spendbar = scene.world.spawn([]);
        let looked = || ["ok", "failing"].contains(&scene.state(reader.id()).as_str());
        assert!(eventually(PATIENCE, looked), "{}", spendbar.all());
        let peak = spendbar.peak_mib();
        assert!(peak < most_mib, "{reader:?}, {name}: {peak} MiB");
        let said = one_line(&scene.world.run(["doctor"]).success().stdout);
        match end {
            Some(sentence) => assert!(said.contains(sentence), "{reader:?}, {name}: {said}"),
            None => assert_eq!(scene.state(reader.id()), "ok", "{said}"),
        }
        // Nothing is tried twice that would be as large again: of pages none after the last that
        // is borne.
        let requests = scene.other.requests().len();
        assert!(requests <= reader.calls().max(9), "{reader:?}, {name}: {requests}");
        drop(spendbar);
        scene.check_neighbours(name);
    }
}

/// The one slow test: an answer is waited for 20 seconds, and tried once more.
#[test]
fn a_slow_drip_ends_and_holds_nobody_up() {
    let mut scene = Scene::new(Native);
    let drips: String = (0..12)
        .map(|number| own(&format!("drip{number}"), &scene.other.base_url(), "MINE_KEY"))
        .collect();
    scene.world = scene.world.config(&drips);
    scene.other.set_fault(Fault::Drip);
    // More providers that drip than are asked at once: agents are read all the same.
    let spendbar = scene.world.spawn([]);
    let start = Instant::now();
    assert!(eventually(PATIENCE, || spendbar.stdout().contains("$0.60")), "{}", spendbar.all());
    scene.world.append(CLAUDE_FILE, &claude_spends("2026-11-03T11:00:00.000Z", "B", 30));
    assert!(eventually(PATIENCE, || spendbar.stdout().contains("$0.90")), "{}", spendbar.all());
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    let failing = || scene.state("openai-admin") == "failing";
    assert!(eventually(PATIENCE, failing), "{}", spendbar.all());
    assert!(start.elapsed() < Duration::from_secs(55), "{:?}", start.elapsed());
    let said = one_line(&scene.world.run(["doctor"]).success().stdout);
    assert!(said.contains("gave no answer: timed out after 20 s."), "{said}");
    assert!(eventually(PATIENCE, || scene.state("fine") == "ok"), "{}", spendbar.all());
}

#[test]
fn a_provider_that_fails_is_left_alone_for_a_while() {
    let scene = Scene::new(Native);
    scene.other.set_fault(Fault::Status(500));
    let spendbar = scene.world.spawn([]);
    let failing = || scene.state("openai-admin") == "failing";
    assert!(eventually(PATIENCE, failing), "{}", spendbar.all());
    std::thread::sleep(Duration::from_secs(5));
    // The look and its one retry; the next look is half a minute away (`monitor::due`).
    assert_eq!(scene.other.requests().len(), 2);
    assert_eq!(scene.good.requests().len(), 1);
}
