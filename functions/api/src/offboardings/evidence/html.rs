//! The record for people: one page that needs nothing else, runs nothing, and prints well.
//!
//! Names of spaces and reasons come from outside, so every value is escaped, and the page forbids itself everything but
//! its own style sheet.

use std::fmt::{self, Display, Write};

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use podio_lifecycle::evidence::Integrity;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Call, Record};

const STYLE: &str = "\
body{font:15px/1.5 system-ui,sans-serif;color:#1b1f24;max-width:62rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.5rem;margin-bottom:.2rem}h2{font-size:1.1rem;margin-top:2rem}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.25rem .6rem .25rem 0;border-bottom:1px solid #d8dee4}\
th{font-weight:600}td{overflow-wrap:anywhere}code{font:13px ui-monospace,monospace}\
.ok{color:#116329}.bad{color:#a40e26;font-weight:600}.id{color:#59636e}\
@media print{body{margin:0;max-width:none;font-size:11px}thead{display:table-header-group}tr{break-inside:avoid}}";

/// Allows the page its own style sheet, by its hash, and nothing else.
pub(super) fn content_security_policy() -> String {
    let hash = BASE64_STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// The page.
pub(super) fn page(record: &Record<'_>) -> String {
    let mut page = String::with_capacity(16 * 1024);
    // Writing to a string cannot fail.
    let _ = write(&mut page, record);
    page
}

fn write(page: &mut String, record: &Record<'_>) -> fmt::Result {
    let id = Text(record.id);
    write!(
        page,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>Evidence {id}</title><style>{STYLE}</style></head><body>\n\
         <h1>Evidence of an offboarding</h1><p class=\"id\"><code>{id}</code></p>\n"
    )?;
    writeln!(page, "<p>State: <strong>{}</strong>. {}</p>", Text(record.state), standing(record))?;
    facts(page, "Request", record.request)?;
    facts(page, "Plan", record.plan)?;
    facts(page, "Outcome", record.outcome)?;
    verification(page, record)?;
    page.write_str("<h2>Spaces</h2>\n")?;
    let fields = ["space_id", "name", "state", "settled_at"];
    table(page, &["Space", "Name", "State", "Settled at"], &record.spaces, &fields)?;
    page.write_str("<h2>History</h2>\n")?;
    table(page, &["Time", "State"], &record.history, &["at", "to"])?;
    page.write_str("<h2>Calls to Podio</h2>\n")?;
    calls(page, &record.calls)?;
    chain(page, record)?;
    page.write_str("</body></html>\n")
}

fn standing(record: &Record<'_>) -> &'static str {
    match record.integrity {
        Integrity::Unsigned => "Not signed yet: this record is still growing.",
        Integrity::Verified => "<span class=\"ok\">Verified: the record is the one that was signed.</span>",
        Integrity::Altered => {
            "<span class=\"bad\">Altered: the record is not the one that was recorded and signed.</span>"
        }
    }
}

fn facts(page: &mut String, title: &str, body: Option<&Value>) -> fmt::Result {
    let Some(Value::Object(fields)) = body else { return Ok(()) };
    write!(page, "<h2>{title}</h2>\n<table><tbody>\n")?;
    for (name, value) in fields {
        row(page, &name.replace('_', " "), Shown(value))?;
    }
    page.write_str("</tbody></table>\n")
}

fn verification(page: &mut String, record: &Record<'_>) -> fmt::Result {
    let Some(verification) = &record.verification else { return Ok(()) };
    page.write_str("<h2>Verification</h2>\n<table><tbody>\n")?;
    row(page, "outcome", Shown(verification.outcome))?;
    row(page, "organization left at", Shown(verification.organization_left_at))?;
    row(page, "completed at", Shown(verification.completed_at))?;
    page.write_str("</tbody></table>\n<p>Read back from Podio after the last removal:</p>\n")?;
    calls(page, &verification.read_backs)
}

fn table(page: &mut String, columns: &[&str], rows: &[&Value], fields: &[&str]) -> fmt::Result {
    page.write_str("<table><thead><tr>")?;
    for column in columns {
        write!(page, "<th scope=\"col\">{column}</th>")?;
    }
    page.write_str("</tr></thead><tbody>\n")?;
    for body in rows {
        page.write_str("<tr>")?;
        for field in fields {
            write!(page, "<td>{}</td>", Text(Shown(&body[field])))?;
        }
        page.write_str("</tr>\n")?;
    }
    page.write_str("</tbody></table>\n")
}

fn calls(page: &mut String, calls: &[Call<'_>]) -> fmt::Result {
    page.write_str(
        "<table><thead><tr><th scope=\"col\">Time</th><th scope=\"col\">Call</th><th scope=\"col\">Status</th>\
         <th scope=\"col\">Podio's request id</th></tr></thead><tbody>\n",
    )?;
    for call in calls {
        writeln!(
            page,
            "<tr><td>{}</td><td><code>{} {}</code></td><td>{}</td><td><code>{}</code></td></tr>",
            Text(Shown(call.time)),
            Text(Shown(call.method)),
            Text(Shown(call.path)),
            Text(Shown(call.status)),
            Text(Shown(call.request_id)),
        )?;
    }
    page.write_str("</tbody></table>\n")
}

fn chain(page: &mut String, record: &Record<'_>) -> fmt::Result {
    page.write_str("<h2>Chain and seal</h2>\n<table><tbody>\n")?;
    row(page, "entries", record.chain.entries.len())?;
    row(page, "last hash (SHA-256)", Maybe(record.chain.head.as_deref()))?;
    if let Some(seal) = &record.seal {
        row(page, "seal", seal.number)?;
        row(page, "sealed at", Moment(seal.sealed_at))?;
        row(page, "kept until", Maybe(seal.kept_until.map(Moment)))?;
        row(page, "SHA-256 of the record", seal.sha256)?;
        row(page, "key", seal.keyid)?;
        row(page, seal.algorithm, seal.signature)?;
        row(page, "seal before it", Maybe(seal.previous.map(|previous| previous.number)))?;
    }
    page.write_str("</tbody></table>\n")
}

fn row(page: &mut String, name: &str, value: impl Display) -> fmt::Result {
    writeln!(page, "<tr><th scope=\"row\">{}</th><td>{}</td></tr>", Text(name), Text(value))
}

/// A moment as people write it.
struct Moment(Timestamp);

impl Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.strftime("%-d %b %Y, %H:%M:%S UTC").fmt(f)
    }
}

/// A value of the record as people read it.
struct Shown<'a>(&'a Value);

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Null => f.write_str("–"),
            Value::Bool(value) => f.write_str(if *value { "yes" } else { "no" }),
            Value::Number(number) => number.fmt(f),
            Value::String(text) => match text.parse() {
                Ok(moment) => Moment(moment).fmt(f),
                // States and outcomes are one word with underscores.
                Err(_) if text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') => {
                    f.write_str(&text.replace('_', " "))
                }
                Err(_) => f.write_str(text),
            },
            Value::Array(values) if values.is_empty() => f.write_str("–"),
            Value::Array(values) => joined(f, values.iter().map(|value| Shown(value).to_string()), "; "),
            Value::Object(fields) => {
                let shown = fields.iter().filter(|(_, value)| !value.is_null());
                joined(f, shown.map(|(name, value)| format!("{}: {}", name.replace('_', " "), Shown(value))), ", ")
            }
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, parts: impl Iterator<Item = String>, between: &str) -> fmt::Result {
    f.write_str(&parts.collect::<Vec<_>>().join(between))
}

/// A value, or a dash.
struct Maybe<T>(Option<T>);

impl<T: Display> Display for Maybe<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str("–"),
        }
    }
}

/// A value as text of the page, its markup made harmless.
struct Text<T>(T);

impl<T: Display> Display for Text<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escape(f), "{}", self.0)
    }
}

struct Escape<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl Write for Escape<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for letter in text.chars() {
            match letter {
                '&' => self.0.write_str("&amp;")?,
                '<' => self.0.write_str("&lt;")?,
                '>' => self.0.write_str("&gt;")?,
                '"' => self.0.write_str("&quot;")?,
                '\'' => self.0.write_str("&#39;")?,
                // Control characters have no place in HTML, and those that turn the direction of text can forge it.
                '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                    self.0.write_char('\u{fffd}')?;
                }
                other => self.0.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_from_outside_is_only_text() {
        assert_eq!(
            Text("<script>alert('x')</script> & \"y\"\u{202e}\0").to_string(),
            "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;y&quot;\u{fffd}\u{fffd}"
        );
    }

    #[test]
    fn values_are_shown_as_people_write_them() {
        let shown = |value: Value| Shown(&value).to_string();
        assert_eq!(shown("2026-11-28T17:10:03.25Z".into()), "28 Nov 2026, 17:10:03 UTC");
        assert_eq!(shown("left_to_org_removal".into()), "left to org removal");
        assert_eq!(shown("Jane Doe".into()), "Jane Doe");
        assert_eq!(
            shown(serde_json::json!({"name": "Jane Doe", "user_id": 5, "email": null})),
            "name: Jane Doe, user id: 5"
        );
        assert_eq!(shown(serde_json::json!([true, null])), "yes; –");
    }

    #[test]
    fn the_policy_allows_the_style_sheet_by_its_hash() {
        let policy = content_security_policy();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"));
        assert!(!policy.contains("unsafe"));
    }
}
