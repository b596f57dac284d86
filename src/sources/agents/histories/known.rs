//! Histories that were once read wrongly, as they came out of the generator.

use super::generate::codex::{Request, Shape, Step, What, play};
use super::properties::{counted, events, look, look_in_order};

/// Plays steps, one a second, and looks in several orders. A step is whose it is and what.
fn gives_the_truth(steps: &[(u8, What)]) {
    let step = |(who, what): &(u8, What)| Step { who: *who, gap: 1, what: what.clone() };
    let history = play(&steps.iter().map(step).collect::<Vec<_>>());
    let home = tempfile::tempdir().unwrap();
    history.write(home.path());
    let whole = look("codex", home.path());
    assert_eq!(counted(&whole), history.truth);
    assert_eq!((whole.problems, whole.unmetered), (0, 0));
    for order in 0..8 {
        let fold = look_in_order("codex", home.path(), order);
        assert_eq!(events(&fold), events(&whole), "order {order}");
    }
}

fn request(input: u16, output: u16, has_last: bool) -> What {
    let (cached, written, reasoning) = (68, 30, 79);
    What::Request(Request { input, cached, written, output, reasoning, has_last })
}

/// The counter of a fork stands where its first ancestor's stood, and the one between is a subagent
/// that repeats the history of its parent and says so only by the old turns in it.
#[test]
fn a_fork_of_a_subagent_that_repeats_history_finds_the_counter_it_inherited() {
    gives_the_truth(&[
        (0, request(1, 1, false)),
        (0, What::Turn(0)),
        (0, What::Fork(Shape::LastTurn)),
        (1, What::Fork(Shape::Unforked)),
        (2, What::Fork(Shape::Unnamed)),
        (3, request(3260, 416, false)),
    ]);
}

/// None of the parent's rows is copied, and its last one is written again behind the copied lines:
/// as what it stands there, a counter that started anew would stand there too.
#[test]
fn a_numbered_subagent_that_writes_an_ancestors_row_again_adds_nothing() {
    gives_the_truth(&[
        (0, request(3260, 416, true)),
        (0, What::Fork(Shape::Snapshot)),
        (1, What::Turn(0)),
        (1, What::Fork(Shape::LastTurn)),
        (2, What::Fork(Shape::Numbered { anew: false, named: false })),
        (3, What::Repeat),
        (3, request(100, 20, true)),
    ]);
}

/// The last row of the file that a page goes on from is copied, and the counter started anew behind
/// it: what the page's first row tells is all its own.
#[test]
fn a_page_behind_copied_rows_starts_from_the_counter_that_started_anew() {
    gives_the_truth(&[
        (0, request(70, 7, false)),
        (0, What::Fork(Shape::Numbered { anew: true, named: false })),
        (1, What::Fork(Shape::Unforked)),
        (2, What::Fork(Shape::Based { repeated: false })),
        (3, request(3260, 416, false)),
    ]);
}
