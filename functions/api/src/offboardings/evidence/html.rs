//! The record for people: one page that needs nothing else, runs nothing, and prints well.
//!
//! Names of spaces and reasons come from outside, so every value is escaped, and the page forbids itself everything but
//! its own style sheet.

use std::fmt::{self, Display, Write};

use base64::{Engine, prelude::BASE64_STANDARD};
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
    facts(page, "Request", Some(&record.request))?;
    facts(page, "Plan", record.plan.as_ref())?;
    verification(page, record)?;
    spaces(page, record)?;
    page.write_str("<h2>Calls to Podio</h2>\n")?;
    calls(page, &record.calls)?;
    chain(page, record)?;
    page.write_str("</body></html>\n")
}

fn standing(record: &Record<'_>) -> &'static str {
    match record.intact {
        None => "Not sealed yet: this record is still growing.",
        Some(true) => "<span class=\"ok\">The record is the one that was sealed.</span>",
        Some(false) => "<span class=\"bad\">The record differs from the one that was sealed.</span>",
    }
}

fn facts(page: &mut String, title: &str, body: Option<&Value>) -> fmt::Result {
    let Some(Value::Object(fields)) = body else { return Ok(()) };
    write!(page, "<h2>{title}</h2>\n<table><tbody>\n")?;
    for (name, value) in fields {
        let value = match value {
            Value::Null => "–".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        writeln!(page, "<tr><th scope=\"row\">{}</th><td>{}</td></tr>", Text(name.replace('_', " ")), Text(value))?;
    }
    page.write_str("</tbody></table>\n")
}

fn verification(page: &mut String, record: &Record<'_>) -> fmt::Result {
    let Some(verification) = &record.verification else { return Ok(()) };
    page.write_str("<h2>Verification</h2>\n<table><tbody>\n")?;
    let outcome = serde_json::to_value(verification.outcome).unwrap_or_default();
    row(page, "outcome", outcome.as_str().unwrap_or_default())?;
    row(page, "organization left at", Maybe(verification.organization_left_at))?;
    row(page, "completed at", Maybe(verification.completed_at))?;
    page.write_str("</tbody></table>\n<p>Read back from Podio after the last removal:</p>\n")?;
    calls(page, &verification.read_backs)
}

fn spaces(page: &mut String, record: &Record<'_>) -> fmt::Result {
    page.write_str(
        "<h2>Spaces</h2>\n<table><thead><tr><th>Space</th><th>Name</th><th>State</th><th>Settled at</th></tr></thead><tbody>\n",
    )?;
    for space in &record.spaces {
        let state = serde_json::to_value(space.state).unwrap_or_default();
        writeln!(
            page,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            space.space_id,
            Text(space.name.unwrap_or("–")),
            Text(state.as_str().unwrap_or_default()),
            Text(Maybe(space.settled_at)),
        )?;
    }
    page.write_str("</tbody></table>\n")
}

fn calls(page: &mut String, calls: &[Call]) -> fmt::Result {
    page.write_str(
        "<table><thead><tr><th>Time</th><th>Call</th><th>Status</th><th>Podio's request id</th></tr></thead><tbody>\n",
    )?;
    for call in calls {
        writeln!(
            page,
            "<tr><td>{}</td><td><code>{} {}</code></td><td>{}</td><td><code>{}</code></td></tr>",
            Text(call.time),
            Text(&call.method),
            Text(&call.path),
            Maybe(call.status),
            Text(call.request_id.as_deref().unwrap_or("–")),
        )?;
    }
    page.write_str("</tbody></table>\n")
}

fn chain(page: &mut String, record: &Record<'_>) -> fmt::Result {
    page.write_str("<h2>Chain and seal</h2>\n<table><tbody>\n")?;
    row(page, "entries", record.chain.entries.len())?;
    row(page, "last hash (SHA-256)", Maybe(record.chain.head.as_deref()))?;
    if let Some(seal) = record.seal {
        row(page, "sealed at", seal.sealed_at)?;
        row(page, "sealed hash", &seal.head)?;
        row(page, &seal.algorithm, &seal.signature)?;
    }
    page.write_str("</tbody></table>\n")
}

fn row(page: &mut String, name: &str, value: impl Display) -> fmt::Result {
    writeln!(page, "<tr><th scope=\"row\">{}</th><td>{}</td></tr>", Text(name), Text(value))
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
    fn the_policy_allows_the_style_sheet_by_its_hash() {
        let policy = content_security_policy();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"));
        assert!(!policy.contains("unsafe"));
    }
}
