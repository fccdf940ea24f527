//! People as CSV (RFC 4180), for spreadsheets.
//!
//! A cell that begins like a formula would be run by the spreadsheet that opens it, with whatever a member has put into their
//! own name. So it gets an apostrophe in front, which spreadsheets take for "this is text".

use lambda_http::http::{StatusCode, header::LINK};

use crate::{answer::Answer, problem::Problem};

const MEDIA_TYPE: &str = "text/csv; charset=utf-8; header=present";
/// What stands between several values of one cell.
pub(super) const BETWEEN: &str = "|";

/// One line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) user_id: String,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) other_emails: String,
    pub(super) kind: String,
    pub(super) role: String,
    pub(super) spaces: String,
    pub(super) last_seen_at: String,
    pub(super) days_unseen: String,
    pub(super) invited_at: String,
    pub(super) status: String,
    pub(super) finding: String,
    pub(super) matched_by: String,
    pub(super) roster_status: String,
    pub(super) last_day: String,
    pub(super) suggested_action: String,
}

const COLUMNS: [&str; 16] = [
    "user_id",
    "name",
    "email",
    "other_emails",
    "type",
    "role",
    "spaces",
    "last_seen_at",
    "days_unseen",
    "invited_at",
    "status",
    "finding",
    "matched_by",
    "roster_status",
    "last_day",
    "suggested_action",
];

/// How a caller wants it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Style {
    /// Whether the text begins with a byte order mark, by which some spreadsheets know UTF-8.
    pub(super) bom: bool,
    /// Whether cells stay as they are.
    pub(super) raw: bool,
}

/// The answer. `next` is the query of the next page.
pub(super) fn answer(rows: &[Row], style: Style, next: Option<&str>) -> Result<Answer, Problem> {
    let text = write(rows, style).ok_or(Problem::Internal)?;
    let answer = Answer::text(MEDIA_TYPE, StatusCode::OK, text);
    Ok(match next {
        Some(query) => answer.with(LINK, &format!("<?{query}>; rel=\"next\"")),
        None => answer,
    })
}

fn write(rows: &[Row], style: Style) -> Option<String> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(COLUMNS).ok()?;
    for row in rows {
        let cells = cells(row);
        writer.write_record(cells.map(|cell| guarded(cell, style.raw))).ok()?;
    }
    let text = String::from_utf8(writer.into_inner().ok()?).ok()?;
    Some(if style.bom { format!("\u{feff}{text}") } else { text })
}

fn cells(row: &Row) -> [&str; 16] {
    [
        &row.user_id,
        &row.name,
        &row.email,
        &row.other_emails,
        &row.kind,
        &row.role,
        &row.spaces,
        &row.last_seen_at,
        &row.days_unseen,
        &row.invited_at,
        &row.status,
        &row.finding,
        &row.matched_by,
        &row.roster_status,
        &row.last_day,
        &row.suggested_action,
    ]
}

fn guarded(cell: &str, raw: bool) -> String {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if is_formula && !raw { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Row {
        Row { user_id: "7".into(), name: name.into(), ..Row::default() }
    }

    #[test]
    fn a_cell_that_looks_like_a_formula_is_guarded() {
        for name in ["=1+1", "+49 1", "-x", "@sum(a1)", "\tx", "\rx"] {
            let line = |raw| {
                let text = write(&[named(name)], Style { raw, bom: false }).unwrap();
                let mut reader = csv::Reader::from_reader(text.as_bytes());
                let read = reader.records().next().unwrap().unwrap();
                read[1].to_owned()
            };
            assert_eq!(line(false), format!("'{name}"));
            assert_eq!(line(true), name);
        }
    }

    #[test]
    fn commas_quotes_and_line_ends_come_back_as_they_were() {
        for name in ["Doe, Jane", "Jane \"J\" Doe", "Jane\r\nDoe", "Jörg Ünal"] {
            let text = write(&[named(name)], Style::default()).unwrap();
            assert!(text.starts_with("user_id,name,email,") && text.ends_with("\r\n"));
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            assert_eq!(&reader.records().next().unwrap().unwrap()[1], name);
        }
    }

    #[test]
    fn a_byte_order_mark_comes_first_where_asked_for() {
        assert!(write(&[], Style { bom: true, raw: false }).unwrap().starts_with("\u{feff}user_id,"));
        assert!(write(&[], Style::default()).unwrap().starts_with("user_id,"));
    }
}
