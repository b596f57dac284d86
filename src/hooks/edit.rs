//! Adding our command to an agent's settings and taking it out again. Changes are made in the text,
//! so that everything else stays byte for byte.
//!
//! Adding follows one rule wherever it adds: behind the last member with a comma and a line of its
//! own, or, where nothing is in the brackets yet, right behind the opening one. What it makes
//! itself is laid out in lines. The two never look alike, so that taking out can tell a list that
//! was there from one that came with us: of the texts that may have been before it takes the one to
//! which adding gives the text at hand. When the agent or its user laid the file out anew in
//! between, none does, and what is left empty goes with our command.

use std::ops::Range;

use super::document::{self, Member, Node, NotJson, Value};

/// The member that holds every agent's hooks.
const HOOKS: &str = "hooks";

/// How an agent writes a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `{"hooks": [{"type": "command", "command": "..."}]}`, a group for each matcher.
    Grouped,
    /// `{"command": "..."}`.
    Flat,
}

/// What to add: one command on some events.
#[derive(Clone, Copy, Debug)]
pub struct Hook<'a> {
    /// How the agent writes it.
    pub shape: Shape,
    /// The events it is for.
    pub events: &'a [&'a str],
    /// Members that a new file begins with, as JSON: `"version": 1`.
    pub head: Option<&'a str>,
    /// What every command of ours ends with, whatever program stands before it.
    pub ending: &'a str,
}

/// Why settings can't be changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The text is no JSON.
    #[error("it is not valid JSON, {0}")]
    NotJson(#[from] NotJson),
    /// A value is of another kind than the agent's documentation says.
    #[error("{what} is {found}, not {wanted}")]
    Unexpected {
        /// Which value.
        what: String,
        /// What it is.
        found: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
}

/// The text with `command` on every event: added where it is missing, put right where another
/// path stands. Unchanged when all is as it should be. Empty text becomes a new document.
///
/// # Errors
/// The text is no JSON, or its hooks are not where the agent documents them.
pub fn add(text: &str, hook: &Hook<'_>, command: &str) -> Result<String, EditError> {
    if text.trim().is_empty() {
        return Ok(new_document(hook, command));
    }
    let mut text = text.to_owned();
    for event in hook.events {
        text = add_to(&text, hook, event, command)?;
    }
    Ok(text)
}

/// The text without our command. `None` when it then holds nothing but what [`add`] would put into
/// a new file: the file can go.
///
/// # Errors
/// As [`add`].
pub fn remove(text: &str, hook: &Hook<'_>) -> Result<Option<String>, EditError> {
    let Some(command) = command_in(text, hook)? else { return Ok(Some(text.to_owned())) };
    if text == new_document(hook, &command) {
        return Ok(None);
    }
    let mut text = text.to_owned();
    // Backwards, as they were added.
    for event in hook.events.iter().rev() {
        while let Some(before) = without(&text, hook, event)? {
            text = before;
        }
    }
    Ok(Some(text))
}

/// The text before our command was added to this event; `None` when it is not there.
fn without(text: &str, hook: &Hook<'_>, event: &str) -> Result<Option<String>, EditError> {
    let root = document::read(text)?;
    let Some((list, ours)) = find_ours(&root, hook, event) else { return Ok(None) };
    let command = ours.command(list);
    let mut least = None;
    for empties in [Empties::Stay, Empties::ListsGo, Empties::Go] {
        let mut before = text.to_owned();
        for range in removal(text, &root, hook, event, empties).into_iter().rev() {
            before.replace_range(range, "");
        }
        if add_to(&before, hook, event, &command).is_ok_and(|again| again == text) {
            return Ok(Some(before));
        }
        least = Some(before);
    }
    Ok(least.filter(|least| least != text))
}

/// The command of ours that the settings hold; `None` when there is none.
///
/// # Errors
/// The text is no JSON.
pub fn command_in(text: &str, hook: &Hook<'_>) -> Result<Option<String>, EditError> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let root = document::read(text)?;
    let found = hook.events.iter().find_map(|event| {
        let (list, at) = find_ours(&root, hook, event)?;
        Some(at.command(list))
    });
    Ok(found)
}

/// Whether every event has our command.
///
/// # Errors
/// The text is no JSON.
pub fn is_whole(text: &str, hook: &Hook<'_>) -> Result<bool, EditError> {
    if text.trim().is_empty() {
        return Ok(false);
    }
    let root = document::read(text)?;
    Ok(hook.events.iter().all(|event| find_ours(&root, hook, event).is_some()))
}

/// What becomes of brackets that are left empty.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Empties {
    Stay,
    /// The lists of events go, the object around them stays.
    ListsGo,
    Go,
}

/// Where our command stands in an event's list.
struct Ours {
    /// The element of the list.
    element: usize,
    /// The handler in the element's own list, in grouped settings.
    handler: Option<usize>,
}

impl Ours {
    fn node<'a>(&self, list: &'a Node) -> Option<&'a Node> {
        let element = list.elements().get(self.element)?;
        let handler = match self.handler {
            None => element,
            Some(index) => element.member(HOOKS)?.node.elements().get(index)?,
        };
        Some(&handler.member("command")?.node)
    }

    fn command(&self, list: &Node) -> String {
        match self.node(list).map(|node| &node.value) {
            Some(Value::Text(text)) => text.clone(),
            _ => String::new(),
        }
    }
}

fn find_ours<'a>(root: &'a Node, hook: &Hook<'_>, event: &str) -> Option<(&'a Node, Ours)> {
    let list = &root.member(HOOKS)?.node.member(event)?.node;
    let is_ours = |node: &Node| match node.member("command").map(|member| &member.node.value) {
        Some(Value::Text(command)) => command.ends_with(hook.ending),
        _ => false,
    };
    let ours = list.elements().iter().enumerate().find_map(|(element, node)| match hook.shape {
        Shape::Flat => is_ours(node).then_some(Ours { element, handler: None }),
        Shape::Grouped => {
            let handlers = node.member(HOOKS)?.node.elements();
            let handler = handlers.iter().position(is_ours)?;
            Some(Ours { element, handler: Some(handler) })
        }
    })?;
    Some((list, ours))
}

fn add_to(text: &str, hook: &Hook<'_>, event: &str, command: &str) -> Result<String, EditError> {
    let root = document::read(text)?;
    let layout = Layout::of(text, &root);
    let quoted = quote(command);
    if let Some((list, ours)) = find_ours(&root, hook, event) {
        let mut text = text.to_owned();
        if let Some(node) = ours.node(list).filter(|_| ours.command(list) != command) {
            text.replace_range(node.place.clone(), &quoted);
        }
        return Ok(text);
    }
    let members = object(&root, "the document")?;
    let Some(hooks) = root.member(HOOKS) else {
        let lines = named(HOOKS, braces(event_lines(hook, event, &quoted)));
        return Ok(insert(
            text,
            &root,
            members.last().map(member_end),
            &layout.lay(&lines, 1),
            &layout,
            1,
        ));
    };
    let events = object(&hooks.node, "`hooks`")?;
    let Some(list) = hooks.node.member(event) else {
        let lines = event_lines(hook, event, &quoted);
        let laid = layout.lay(&lines, 2);
        return Ok(insert(text, &hooks.node, events.last().map(member_end), &laid, &layout, 2));
    };
    let Value::Array(elements) = &list.node.value else {
        return Err(unexpected(format!("`hooks.{event}`"), &list.node, "a list"));
    };
    let laid = layout.lay(&element_lines(hook, &quoted), 3);
    let last = elements.last().map(|node| node.place.end);
    Ok(insert(text, &list.node, last, &laid, &layout, 3))
}

/// Puts `laid` behind the end of the last entry, or right behind the opening bracket.
fn insert(
    text: &str,
    brackets: &Node,
    last_end: Option<usize>,
    laid: &str,
    layout: &Layout,
    depth: usize,
) -> String {
    let mut text = text.to_owned();
    match last_end {
        Some(end) => text.insert_str(end, &format!(",{}{laid}", layout.line(depth))),
        None => text.insert_str(brackets.place.start + 1, laid),
    }
    text
}

/// What to cut out of the text so that our command is gone from an event, in order.
fn removal(
    text: &str,
    root: &Node,
    hook: &Hook<'_>,
    event: &str,
    empties: Empties,
) -> Vec<Range<usize>> {
    let entries = |nodes: &[Node]| nodes.iter().map(|node| node.place.clone()).collect::<Vec<_>>();
    let members = |node: &Node, name: &str| match &node.value {
        Value::Object(members) => {
            (places(members), members.iter().rposition(|member| member.name == name))
        }
        _ => (Vec::new(), None),
    };
    let Some((list, ours)) = find_ours(root, hook, event) else { return Vec::new() };
    let group = list.elements().get(ours.element).and_then(|group| group.member(HOOKS));
    if let (Some(index), Some(group)) = (ours.handler, group)
        && group.node.elements().len() > 1
    {
        return cut(text, &entries(group.node.elements()), index);
    }
    if list.elements().len() > 1 || empties == Empties::Stay {
        return cut(text, &entries(list.elements()), ours.element);
    }
    let Some(hooks) = root.member(HOOKS) else { return Vec::new() };
    let (events, index) = members(&hooks.node, event);
    if events.len() > 1 || empties == Empties::ListsGo {
        return index.map(|index| cut(text, &events, index)).unwrap_or_default();
    }
    let (sections, index) = members(root, HOOKS);
    index.map(|index| cut(text, &sections, index)).unwrap_or_default()
}

/// An entry with the comma that goes with it: the one before, else the one behind. Comments beside
/// the comma stay.
fn cut(text: &str, entries: &[Range<usize>], index: usize) -> Vec<Range<usize>> {
    let place = entries.get(index).cloned().unwrap_or_default();
    let before = index.checked_sub(1).and_then(|before| entries.get(before));
    let between = match (before, entries.get(index + 1)) {
        (Some(before), _) => before.end..place.start,
        (None, Some(behind)) => place.end..behind.start,
        (None, None) => return vec![place],
    };
    let is_plain = |c: char| c == ',' || c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if text.get(between.clone()).is_some_and(|between| between.chars().all(is_plain)) {
        let both = between.start.min(place.start)..between.end.max(place.end);
        return vec![both];
    }
    let comma = document::comma_behind(text, between.start);
    let mut ranges = vec![comma..comma + 1, place];
    ranges.sort_by_key(|range| range.start);
    ranges
}

fn places(members: &[Member]) -> Vec<Range<usize>> {
    members.iter().map(|member| member.start..member.node.place.end).collect()
}

fn member_end(member: &Member) -> usize {
    member.node.place.end
}

fn object<'a>(node: &'a Node, what: &str) -> Result<&'a [Member], EditError> {
    match &node.value {
        Value::Object(members) => Ok(members),
        _ => Err(unexpected(what.to_owned(), node, "an object")),
    }
}

fn unexpected(what: String, node: &Node, wanted: &'static str) -> EditError {
    let found = match node.value {
        Value::Object(_) => "an object",
        Value::Array(_) => "a list",
        Value::Text(_) => "a text",
        Value::Other => "a plain value",
    };
    EditError::Unexpected { what, found, wanted }
}

/// How the file is laid out: what ends its lines and what one level is indented by.
struct Layout {
    end: &'static str,
    unit: String,
}

impl Layout {
    fn of(text: &str, root: &Node) -> Self {
        let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let first = match &root.value {
            Value::Object(members) => members.first().map_or(0, |member| member.start),
            _ => 0,
        };
        let before = text.get(..first).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        let is_indent = before.contains('\n')
            && !line.is_empty()
            && line.bytes().all(|byte| byte == b' ' || byte == b'\t');
        Self { end, unit: if is_indent { line.to_owned() } else { "  ".to_owned() } }
    }

    fn line(&self, depth: usize) -> String {
        format!("{}{}", self.end, self.unit.repeat(depth))
    }

    /// Lines with their own depth as text that begins at `depth`.
    fn lay(&self, lines: &[(usize, String)], depth: usize) -> String {
        let mut out = String::new();
        for (index, (inner, line)) in lines.iter().enumerate() {
            if index > 0 {
                out.push_str(&self.line(depth + inner));
            }
            out.push_str(line);
        }
        out
    }
}

fn new_document(hook: &Hook<'_>, command: &str) -> String {
    let quoted = quote(command);
    let mut events = Vec::new();
    for (index, event) in hook.events.iter().enumerate() {
        if index > 0 {
            with_comma(&mut events);
        }
        events.extend(event_lines(hook, event, &quoted));
    }
    let mut members = Vec::new();
    if let Some(head) = hook.head {
        members.push((0, format!("{head},")));
    }
    members.extend(named(HOOKS, braces(events)));
    let layout = Layout { end: "\n", unit: "  ".to_owned() };
    layout.lay(&braces(members), 0) + "\n"
}

type Lines = Vec<(usize, String)>;

fn event_lines(hook: &Hook<'_>, event: &str, quoted: &str) -> Lines {
    named(event, around("[", element_lines(hook, quoted), "]"))
}

fn element_lines(hook: &Hook<'_>, quoted: &str) -> Lines {
    let handler = format!("\"command\": {quoted}");
    match hook.shape {
        Shape::Flat => braces(vec![(0, handler)]),
        Shape::Grouped => {
            let handler = braces(vec![(0, "\"type\": \"command\",".to_owned()), (0, handler)]);
            braces(named(HOOKS, around("[", handler, "]")))
        }
    }
}

fn braces(inner: Lines) -> Lines {
    around("{", inner, "}")
}

fn around(open: &str, inner: Lines, close: &str) -> Lines {
    let mut lines = vec![(0, open.to_owned())];
    lines.extend(inner.into_iter().map(|(depth, line)| (depth + 1, line)));
    lines.push((0, close.to_owned()));
    lines
}

fn named(name: &str, mut lines: Lines) -> Lines {
    if let Some((_, first)) = lines.first_mut() {
        *first = format!("{}: {first}", quote(name));
    }
    lines
}

fn with_comma(lines: &mut Lines) {
    if let Some((_, last)) = lines.last_mut() {
        last.push(',');
    }
}

fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests;
