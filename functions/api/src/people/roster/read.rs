//! Reading a roster: good rows are kept, bad ones told by their number.

use std::borrow::Cow;

use jiff::civil::Date;
use podio_lifecycle::{
    email::EmailAddress,
    people::{MemberType, RosterEntry, RosterStatus},
};
use serde::Serialize;

use super::{headers::Column, unusable};
use crate::{
    json::{self, Json},
    problem::Problem,
};

/// More rows are sent in parts: Podio has no organization that large, and all of them are held in memory at once.
const MOST_ROWS: usize = 100_000;
/// Headers that are named to somebody whose headers are not known.
const MOST_NAMED: usize = 20;
/// Longer texts are no names.
const LONGEST: usize = 200;

/// Rows of a body.
pub(super) struct Rows {
    pub(super) good: Vec<RosterEntry>,
    pub(super) bad: Vec<Rejected>,
}

impl Rows {
    fn count(&self) -> usize {
        self.good.len() + self.bad.len()
    }
}

/// A row that cannot be used.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Rejected {
    /// Its number as a spreadsheet counts, the header being 1; in JSON the place in the array, from 1.
    row: u64,
    detail: Cow<'static, str>,
}

/// What a row says, before anything is checked.
#[derive(Default)]
struct Raw {
    email: String,
    other_emails: Vec<String>,
    name: String,
    first_name: String,
    last_name: String,
    status: String,
    last_day: String,
    employee_id: String,
    kind: String,
}

/// Reads a body. The content type decides, else how it begins.
pub(super) fn rows(body: &[u8], content_type: &str) -> Result<Rows, Problem> {
    let content_type = content_type.to_ascii_lowercase();
    let begins_as_json = matches!(body.trim_ascii_start().first(), Some(b'[' | b'{'));
    let is_json = content_type.contains("json") || (!content_type.contains("csv") && begins_as_json);
    let rows = if is_json { of_json(body)? } else { of_csv(body)? };
    if rows.count() > MOST_ROWS {
        return Err(unusable(format!("more than {MOST_ROWS} rows; send them in parts")));
    }
    if rows.good.is_empty() {
        let first = rows.bad.first().map_or(String::new(), |bad| format!(" Row {}: {}.", bad.row, bad.detail));
        return Err(unusable(format!("no row can be used.{first}")));
    }
    Ok(rows)
}

fn of_csv(body: &[u8]) -> Result<Rows, Problem> {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter(body))
        .flexible(true)
        .has_headers(false)
        .trim(csv::Trim::All)
        .from_reader(body);
    let mut records = reader.byte_records();
    let headers = match records.next() {
        Some(Ok(headers)) => headers,
        _ => return Err(unusable("the body is empty; a line with headers is expected")),
    };
    let headers: Vec<String> = headers.iter().map(|header| String::from_utf8_lossy(header).into_owned()).collect();
    let columns: Vec<Column> = headers.iter().map(|header| Column::of(header)).collect();
    if !columns.contains(&Column::Email) {
        let found: Vec<&str> = headers.iter().take(MOST_NAMED).map(|header| short(header)).collect();
        return Err(unusable(format!("no column is called email; found: {}", found.join(", "))));
    }
    let mut rows = Rows { good: Vec::new(), bad: Vec::new() };
    for (record, row) in records.zip(2..) {
        if rows.count() > MOST_ROWS {
            break;
        }
        let Ok(record) = record else {
            rows.bad.push(Rejected { row, detail: "not CSV".into() });
            continue;
        };
        if record.iter().all(<[u8]>::is_empty) {
            continue;
        }
        let mut raw = Raw::default();
        let mut is_text = true;
        for (cell, column) in record.iter().zip(&columns) {
            match std::str::from_utf8(cell) {
                Ok(text) => raw.fill(*column, unguarded(text)),
                Err(_) => is_text = false,
            }
        }
        match if is_text { raw.entry() } else { Err("not UTF-8".into()) } {
            Ok(entry) => rows.good.push(entry),
            Err(detail) => rows.bad.push(Rejected { row, detail }),
        }
    }
    Ok(rows)
}

/// Comma, or what spreadsheets of other countries write: whatever the first line has most of.
fn delimiter(body: &[u8]) -> u8 {
    let line = body.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |delimiter: u8| line.iter().filter(|byte| **byte == delimiter).count();
    [b';', b'\t']
        .into_iter()
        .filter(|other| count(*other) > count(b','))
        .max_by_key(|other| count(*other))
        .unwrap_or(b',')
}

/// A cell without the apostrophe that guards formulas, as we write it ourselves.
fn unguarded(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['=', '+', '-', '@', '\t', '\r']) => rest,
        _ => cell,
    }
}

/// An array of people, or an object with one called `people`.
fn of_json(body: &[u8]) -> Result<Rows, Problem> {
    let json = json::parse(body)?;
    let people = match &json {
        Json::Array(people) => people,
        Json::Object(fields) => match &fields[..] {
            [(name, Json::Array(people))] if name == "people" => people,
            _ => return Err(unusable("expected an array of people, or an object with one in people")),
        },
        _ => return Err(unusable("expected an array of people")),
    };
    let mut rows = Rows { good: Vec::new(), bad: Vec::new() };
    for (person, row) in people.iter().zip(1..).take(MOST_ROWS + 1) {
        match of_object(person) {
            Ok(entry) => rows.good.push(entry),
            Err(detail) => rows.bad.push(Rejected { row, detail }),
        }
    }
    Ok(rows)
}

fn of_object(person: &Json) -> Result<RosterEntry, Cow<'static, str>> {
    let Json::Object(fields) = person else { return Err("expected an object".into()) };
    let mut raw = Raw::default();
    for (name, value) in fields {
        let column = match name.as_str() {
            "email" => Column::Email,
            "other_emails" => Column::OtherEmails,
            "name" => Column::Name,
            "status" => Column::Status,
            "last_day" => Column::LastDay,
            "employee_id" => Column::EmployeeId,
            "type" => Column::Kind,
            other => return Err(format!("unknown field {}", short(other)).into()),
        };
        match value {
            Json::Null => {}
            Json::String(text) => raw.fill(column, text),
            Json::Integer(number) if column == Column::EmployeeId => raw.fill(column, &number.to_string()),
            Json::Array(values) if column == Column::OtherEmails => {
                for value in values {
                    let Json::String(text) = value else { return Err("other_emails: expected strings".into()) };
                    raw.fill(column, text);
                }
            }
            _ => return Err(format!("{name}: expected a string").into()),
        }
    }
    raw.entry()
}

impl Raw {
    /// Takes a cell. The first column of a meaning that says something counts; other addresses add up.
    fn fill(&mut self, column: Column, text: &str) {
        let text = text.trim();
        let place = match column {
            Column::OtherEmails => {
                let several = text.split(['|', ',', ';']).map(str::trim).filter(|email| !email.is_empty());
                self.other_emails.extend(several.map(str::to_owned));
                return;
            }
            Column::Email => &mut self.email,
            Column::Name => &mut self.name,
            Column::FirstName => &mut self.first_name,
            Column::LastName => &mut self.last_name,
            Column::Status => &mut self.status,
            Column::LastDay => &mut self.last_day,
            Column::EmployeeId => &mut self.employee_id,
            Column::Kind => &mut self.kind,
            Column::Other => return,
        };
        if place.is_empty() {
            text.clone_into(place);
        }
    }

    fn entry(self) -> Result<RosterEntry, Cow<'static, str>> {
        let address = |text: &str| text.parse::<EmailAddress>().ok();
        let email = address(&self.email).ok_or("email: expected something like jane@example.com")?;
        let mut other_emails = Vec::new();
        for other in &self.other_emails {
            let other = address(other).ok_or("other_emails: expected addresses, with | between them")?;
            if other != email && !other_emails.contains(&other) {
                other_emails.push(other);
            }
        }
        let status = RosterStatus::parse(&self.status).ok_or("status: expected active or left")?;
        let last_day = match self.last_day.as_str() {
            "" => None,
            // A time of day may follow.
            text => Some(day(text).ok_or("last_day: expected a date such as 2026-12-24")?),
        };
        let whole = [self.first_name.as_str(), self.last_name.as_str()].join(" ");
        let name = if self.name.is_empty() { whole.trim() } else { &self.name };
        for (field, text) in [("name", name), ("employee_id", &self.employee_id)] {
            if text.chars().count() > LONGEST {
                return Err(format!("{field}: longer than {LONGEST} characters").into());
            }
        }
        let kind = MemberType::ALL.into_iter().find(|kind| kind.name() == self.kind.to_lowercase());
        Ok(RosterEntry {
            email,
            other_emails,
            name: Some(name.to_owned()).filter(|name| !name.is_empty()),
            status,
            last_day,
            employee_id: Some(self.employee_id).filter(|id| !id.is_empty()),
            kind,
        })
    }
}

/// An ISO 8601 date, alone or with a time behind it.
fn day(text: &str) -> Option<Date> {
    let (date, rest) = text.split_at_checked(10)?;
    let is_end = rest.is_empty() || rest.starts_with(['T', ' ']);
    date.parse().ok().filter(|_| is_end)
}

/// What a caller wrote, cut where it is too long to repeat.
fn short(text: &str) -> &str {
    let end = text.char_indices().nth(60).map_or(text.len(), |(end, _)| end);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Rows {
        rows(body.as_bytes(), "").unwrap()
    }

    fn detail(body: &str) -> String {
        match rows(body.as_bytes(), "").map(|rows| rows.good.len()) {
            Err(Problem::Invalid(errors)) => errors[0].detail.clone().into_owned(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn columns_may_come_in_any_order_and_lines_may_end_in_any_way() {
        for body in [
            "email,name,status,last_day\njane@example.com,\"Doe, Jane\",active,2026-12-24\n",
            "\u{feff}name,last_day,email,status\r\n\"Doe, Jane\",2026-12-24,jane@example.com,Active\r\n",
            "status;name;email;last_day\n;Doe, Jane;jane@example.com;2026-12-24T00:00:00Z",
            r#"[{"email": "jane@example.com", "name": "Doe, Jane", "last_day": "2026-12-24", "status": "active"}]"#,
            r#" {"people": [{"email": "jane@example.com", "name": "Doe, Jane", "last_day": "2026-12-24"}]}"#,
        ] {
            let rows = read(body);
            assert_eq!((rows.good.len(), rows.bad.len()), (1, 0), "{body}");
            let jane = &rows.good[0];
            assert_eq!((jane.email.as_str(), jane.name.as_deref()), ("jane@example.com", Some("Doe, Jane")));
            assert_eq!((jane.status, jane.last_day), (RosterStatus::Active, Some("2026-12-24".parse().unwrap())));
        }
    }

    #[test]
    fn exports_of_known_systems_are_read() {
        let google = "First Name [Required],Last Name [Required],Email Address [Required],Password [Required],Status [READ ONLY],\
                      Work Secondary Email\nJane,Doe,jane@example.com,****,Suspended,jd@example.com\n";
        let jane = read(google).good.remove(0);
        assert_eq!((jane.name.as_deref(), jane.status), (Some("Jane Doe"), RosterStatus::Left));
        assert_eq!(jane.other_emails, ["jd@example.com".parse().unwrap()]);
        let slack = "username,email,status,billing-active,has-2fa,has-sso,userid,fullname,displayname,expiration-timestamp\n\
                     jane,jane@example.com,Deactivated,0,0,0,U1,Jane Doe,jane,\njoe,joe@example.com,Member,1,1,0,U2,Joe Roe,joe,\n";
        let rows = read(slack);
        let statuses: Vec<RosterStatus> = rows.good.iter().map(|entry| entry.status).collect();
        assert_eq!(statuses, [RosterStatus::Left, RosterStatus::Active]);
        let gitlab = "Name,Username,Email,State\nJane Doe,jane,jane@example.com,blocked\n";
        assert_eq!(read(gitlab).good[0].status, RosterStatus::Left);
        let baton = "Display Name,Email,Status\nJane Doe,jane@example.com,disabled\n";
        assert_eq!(read(baton).good[0].status, RosterStatus::Left);
    }

    #[test]
    fn bad_rows_are_told_by_number_and_keep_nobody_out() {
        let body = b"email,status,last_day,other_emails\njane@example.com,active,,\nnobody,active,,\n,,,\n\
                     joe@example.com,on leave,,\nann@example.com,,24.12.2026,\nbob@example.com,,,x\n\xff@example.com,,,\n";
        let rows = rows(body, "text/csv").unwrap();
        assert_eq!(rows.good.len(), 1);
        let bad: Vec<(u64, &str)> =
            rows.bad.iter().map(|bad| (bad.row, bad.detail.split(':').next().unwrap())).collect();
        assert_eq!(bad, [(3, "email"), (5, "status"), (6, "last_day"), (7, "other_emails"), (8, "not UTF-8")]);
    }

    #[test]
    fn several_values_of_a_cell_are_taken_apart() {
        let rows = read("email,other_emails\njane@example.com,jd@example.com|JANE@example.com| j@example.org\n");
        let others: Vec<&str> = rows.good[0].other_emails.iter().map(EmailAddress::as_str).collect();
        assert_eq!(others, ["jd@example.com", "j@example.org"]);
    }

    #[test]
    fn nothing_usable_is_refused_and_says_what_was_found() {
        assert_eq!(
            detail("person,mailbox\njane,jane@example.com\n"),
            "no column is called email; found: person, mailbox"
        );
        assert!(detail("").contains("empty"));
        assert!(detail("email\nnobody\n").starts_with("no row can be used. Row 2: email"));
        assert!(detail("[]").starts_with("no row can be used"));
        assert!(detail(r#"{"email": "jane@example.com"}"#).contains("array"));
        assert!(detail(r#"[{"email": "jane@example.com", "emial": "x"}]"#).contains("unknown field emial"));
        assert!(matches!(rows(b"[{", ""), Err(Problem::Malformed(_))));
        let many = format!("email\n{}", "a@b.cc\n".repeat(MOST_ROWS + 1));
        assert!(detail(&many).contains("in parts"));
    }
}
