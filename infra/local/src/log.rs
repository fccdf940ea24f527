//! What the stack and its functions tell on standard error: a line for each event where a person reads along, and a line of
//! JSON elsewhere.
//!
//! The functions log JSON, as they do on Lambda. What they write comes through here, so that both sides look the same.

use std::{
    env,
    io::{self, IsTerminal as _, Write as _},
};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

/// Who reads standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// A person at a terminal.
    Person {
        /// Whether the terminal shows colours.
        colours: bool,
    },
    /// A program, or a file.
    Program,
}

impl Reader {
    /// Of this process.
    pub fn of_this_process() -> Self {
        if !io::stderr().is_terminal() {
            return Self::Program;
        }
        // See no-color.org.
        Self::Person { colours: env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) }
    }

    /// Whether it is a person.
    pub fn is_person(self) -> bool {
        self != Self::Program
    }
}

/// Says something that is no event of a part's but of the whole run.
pub fn say(words: &str) {
    match Reader::of_this_process() {
        Reader::Person { .. } => eprintln!("{words}"),
        Reader::Program => tracing::info!(target: "demo", "{words}"),
    }
}

/// Passes on what a process of the stack writes, line by line, until it ends.
pub(crate) async fn relay(output: impl AsyncRead + Unpin) {
    let reader = Reader::of_this_process();
    let mut lines = BufReader::new(output).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        let line = String::from_utf8_lossy(&line);
        if let Some(told) = told(&line, reader, Timestamp::now()) {
            // With nobody there to read it, it is lost.
            let _ = writeln!(io::stderr().lock(), "{told}");
        }
    }
}

/// A line of a function's log.
#[derive(Deserialize)]
struct Event {
    timestamp: Timestamp,
    level: String,
    target: String,
    fields: Map<String, Value>,
}

/// A line as `reader` is to see it; none of an empty one.
fn told(line: &str, reader: Reader, now: Timestamp) -> Option<String> {
    let line = line.trim_end();
    if line.is_empty() {
        return None;
    }
    let event = serde_json::from_str::<Event>(line).ok();
    Some(match (reader, event) {
        (Reader::Program, Some(_)) => line.to_owned(),
        // The last words of a process that panics, or what the shell says of it.
        (Reader::Program, None) => {
            json!({"timestamp": now, "level": "WARN", "target": "functions", "fields": {"message": line}}).to_string()
        }
        (Reader::Person { .. }, None) => line.to_owned(),
        (Reader::Person { colours }, Some(event)) => event.for_a_person(colours),
    })
}

impl Event {
    fn for_a_person(&self, colours: bool) -> String {
        let paint = |code: &str, text: &str| {
            if colours { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
        };
        let colour = match self.level.as_str() {
            "ERROR" => "31",
            "WARN" => "33",
            "INFO" => "32",
            _ => "34",
        };
        let mut line = paint("2", &self.timestamp.strftime("%H:%M:%S").to_string());
        line +=
            &format!(" {} {}", paint(colour, &format!("{:>5}", self.level)), paint("2", &format!("{}:", self.target)));
        if let Some(message) = self.fields.get("message") {
            line += &format!(" {}", text(message));
        }
        // A person looks for what there is; most counts of a quiet sweep are none.
        let nothing = |value: &Value| value.is_null() || value.as_u64() == Some(0);
        for (name, value) in self.fields.iter().filter(|(name, value)| *name != "message" && !nothing(value)) {
            line += &format!(" {}{}", paint("2", &format!("{name}=")), text(value));
        }
        line
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"timestamp":"2026-11-29T08:24:20.834652Z","level":"INFO","fields":{"message":"answered","route":"/health","status":200,"duration_ms":0},"target":"api","span":{"requestId":"r"}}"#;
    const PERSON: Reader = Reader::Person { colours: false };

    fn told_to(reader: Reader, line: &str) -> Option<String> {
        told(line, reader, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn person_sees_a_line_for_each_event() {
        let line = told_to(PERSON, LINE).unwrap();
        assert_eq!(line, "08:24:20  INFO api: answered route=/health status=200");
        let coloured = told_to(Reader::Person { colours: true }, LINE).unwrap();
        assert!(coloured.contains("\u{1b}[32m INFO\u{1b}[0m"), "{coloured:?}");
        assert_eq!(told_to(PERSON, "function api ended\r").unwrap(), "function api ended");
    }

    #[test]
    fn program_sees_json_whatever_is_written() {
        assert_eq!(told_to(Reader::Program, LINE).unwrap(), LINE);
        let wrapped = told_to(Reader::Program, "thread 'main' panicked at \"x\"").unwrap();
        let event: Value = serde_json::from_str(&wrapped).unwrap();
        assert_eq!(event["fields"]["message"], "thread 'main' panicked at \"x\"");
        for odd in ["7", "{}", r#"{"level": "INFO"}"#] {
            let event: Value = serde_json::from_str(&told_to(Reader::Program, odd).unwrap()).unwrap();
            assert_eq!(event["fields"]["message"], odd);
        }
    }

    #[test]
    fn empty_lines_are_left_out() {
        assert_eq!(told_to(PERSON, ""), None);
        assert_eq!(told_to(Reader::Program, " \r"), None);
    }
}
