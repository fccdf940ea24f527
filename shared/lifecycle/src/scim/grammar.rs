//! Paths and filter terms (RFC 7644, sections 3.4.2.2 and 3.5.2), as far as providers use them.
//!
//! A grammar of our own, since the published ones do not take `emails[type eq "work"].value eq "…"`, by which Microsoft looks for
//! users, nor `True`. Nothing in it nests, so no input can make it recurse; lengths and numbers are limited.

use std::borrow::Cow;

/// The schema of users.
pub const CORE_USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

/// The longest path or filter, in bytes.
pub(super) const LONGEST: usize = 2_048;
/// The most comparisons in one.
const MOST_TERMS: usize = 10;

/// An attribute that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Attribute {
    /// `id`: ours, never theirs.
    Id,
    /// `userName`
    UserName,
    /// `externalId`
    ExternalId,
    /// `name`
    Name,
    /// `displayName`
    DisplayName,
    /// `emails`
    Emails,
    /// `active`
    Active,
}

impl Attribute {
    /// The attribute of that name, which SCIM compares without regard to case.
    pub fn named(name: &str) -> Option<Self> {
        const ALL: [(&str, Attribute); 7] = [
            ("id", Attribute::Id),
            ("userName", Attribute::UserName),
            ("externalId", Attribute::ExternalId),
            ("name", Attribute::Name),
            ("displayName", Attribute::DisplayName),
            ("emails", Attribute::Emails),
            ("active", Attribute::Active),
        ];
        ALL.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, attribute)| *attribute)
    }
}

/// What a value is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Operand {
    /// A text.
    Text(String),
    /// A truth value.
    Bool(bool),
    /// Anything else that JSON knows.
    Other,
}

impl Operand {
    /// As a truth value, which Microsoft writes as a text.
    pub(super) fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            Self::Text(text) => truth(text),
            Self::Other => None,
        }
    }
}

/// `true` and `false` in any case.
pub(super) fn truth(text: &str) -> Option<bool> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// `type eq "work"`, inside brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    /// The sub-attribute, in lower case.
    pub sub: String,
    /// What it must be.
    pub is: Operand,
}

/// Where in a user something is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Path {
    /// The whole user.
    Whole,
    /// In an attribute that is kept.
    Known(Place),
    /// In one that is not: of an extension, or of no interest here.
    Ignored,
}

/// A place in an attribute that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The attribute.
    pub attribute: Attribute,
    /// Which of its values, where it says so in brackets.
    pub(super) choices: Vec<Choice>,
    /// Which part of it, in lower case.
    pub(super) sub: Option<String>,
}

impl Path {
    /// Reads a path; what is wrong with it, if it is none.
    pub fn parse(text: &str) -> Result<Self, Cow<'static, str>> {
        let text = text.trim();
        if text.len() > LONGEST {
            return Err("a path is longer than 2048 characters".into());
        }
        if text.eq_ignore_ascii_case(CORE_USER) {
            return Ok(Self::Whole);
        }
        let mut rest = Cursor(text);
        rest.schema();
        // Of another schema: whatever it is, it is not kept.
        if rest.0.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("urn:")) {
            return Ok(Self::Ignored);
        }
        let path = rest.path()?;
        if rest.0.is_empty() { Ok(path) } else { Err("a path goes on after its end".into()) }
    }
}

/// One `path eq value` of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Comparison {
    pub path: Path,
    pub is: Operand,
}

/// Reads comparisons that are joined by `and`.
pub(super) fn conjunction(text: &str) -> Result<Vec<Comparison>, Cow<'static, str>> {
    if text.len() > LONGEST {
        return Err("the filter is longer than 2048 characters".into());
    }
    let mut rest = Cursor(text.trim());
    let mut found = Vec::new();
    loop {
        let path = rest.path()?;
        rest.equals()?;
        found.push(Comparison { path, is: rest.operand()? });
        if found.len() > MOST_TERMS {
            return Err("the filter has more than 10 comparisons".into());
        }
        rest.spaces();
        if rest.0.is_empty() {
            return Ok(found);
        }
        if !rest.word("and") {
            return Err("only `and` joins comparisons here".into());
        }
    }
}

/// The text that is still to be read.
struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    fn spaces(&mut self) -> bool {
        let trimmed = self.0.trim_start_matches([' ', '\t']);
        let any = trimmed.len() < self.0.len();
        self.0 = trimmed;
        any
    }

    fn take(&mut self, prefix: char) -> bool {
        let rest = self.0.strip_prefix(prefix);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// A word and the space behind it.
    fn word(&mut self, word: &str) -> bool {
        let Some((head, tail)) = self.0.split_at_checked(word.len()) else { return false };
        if !head.eq_ignore_ascii_case(word) || !tail.starts_with([' ', '\t']) {
            return false;
        }
        self.0 = tail;
        self.spaces()
    }

    /// `ATTRNAME`: a letter (or `$`, as in `$ref`) and letters, digits, hyphens, underscores.
    fn name(&mut self) -> Result<&'a str, Cow<'static, str>> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '$');
        let end = self.0.find(|c| !is_part(c)).unwrap_or(self.0.len());
        let (name, rest) = self.0.split_at(end);
        if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '$') {
            return Err("an attribute's name is expected".into());
        }
        self.0 = rest;
        Ok(name)
    }

    /// Skips the URN of the schema of users and the colon behind it, if they are there.
    fn schema(&mut self) {
        let prefix = self.0.get(..CORE_USER.len());
        if prefix.is_some_and(|prefix| prefix.eq_ignore_ascii_case(CORE_USER))
            && let Some(rest) = self.0.get(CORE_USER.len()..).and_then(|rest| rest.strip_prefix(':'))
        {
            self.0 = rest;
        }
    }

    fn path(&mut self) -> Result<Path, Cow<'static, str>> {
        self.schema();
        let name = self.name()?;
        let mut choices = Vec::new();
        if self.take('[') {
            loop {
                self.spaces();
                let sub = self.name()?.to_ascii_lowercase();
                self.equals()?;
                choices.push(Choice { sub, is: self.operand()? });
                self.spaces();
                if self.take(']') {
                    break;
                }
                if choices.len() >= MOST_TERMS || !self.word("and") {
                    return Err("brackets hold comparisons by `eq`, joined by `and`".into());
                }
            }
        }
        let sub = if self.take('.') { Some(self.name()?.to_ascii_lowercase()) } else { None };
        Ok(match Attribute::named(name) {
            Some(attribute) => Path::Known(Place { attribute, choices, sub }),
            None => Path::Ignored,
        })
    }

    fn equals(&mut self) -> Result<(), Cow<'static, str>> {
        if self.spaces() && self.word("eq") { Ok(()) } else { Err("only `eq` compares here".into()) }
    }

    fn operand(&mut self) -> Result<Operand, Cow<'static, str>> {
        if self.0.starts_with('"') {
            let mut escaped = false;
            let end = self.0.char_indices().skip(1).find(|(_, c)| {
                let ends = *c == '"' && !escaped;
                escaped = *c == '\\' && !escaped;
                ends
            });
            let Some((end, _)) = end else { return Err("a text does not end".into()) };
            let (text, rest) = self.0.split_at(end + 1);
            self.0 = rest;
            let text = serde_json::from_str(text).map_err(|_| "a text is not written as JSON writes it")?;
            return Ok(Operand::Text(text));
        }
        let end = self.0.find([' ', '\t', ']', '[', '"', '(', ')']).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        self.0 = rest;
        match truth(word) {
            Some(value) => Ok(Operand::Bool(value)),
            None if word.eq_ignore_ascii_case("null") || word.parse::<f64>().is_ok() => Ok(Operand::Other),
            None => Err("a value is expected: a text in double quotes, true or false".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> (Attribute, usize, Option<String>) {
        match Path::parse(text) {
            Ok(Path::Known(place)) => (place.attribute, place.choices.len(), place.sub),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn paths_of_providers_are_read() {
        let value = Some("value".to_owned());
        for (text, expected) in [
            ("active", (Attribute::Active, 0, None)),
            (" ACTIVE ", (Attribute::Active, 0, None)),
            ("name.givenName", (Attribute::Name, 0, Some("givenname".to_owned()))),
            (r#"emails[type eq "work"].value"#, (Attribute::Emails, 1, value.clone())),
            (r#"emails[type Eq "work" AND primary eq True]"#, (Attribute::Emails, 2, None)),
            ("urn:ietf:params:scim:schemas:core:2.0:User:active", (Attribute::Active, 0, None)),
            (
                r#"URN:ietf:params:scim:schemas:core:2.0:user:emails[type eq "work"].value"#,
                (Attribute::Emails, 1, value.clone()),
            ),
        ] {
            assert_eq!(place(text), expected, "{text}");
        }
        assert_eq!(Path::parse(CORE_USER), Ok(Path::Whole));
    }

    #[test]
    fn attributes_that_are_not_kept_are_ignored() {
        for text in [
            "password",
            "title",
            r#"roles[primary eq "True"].value"#,
            r#"addresses[type eq "work"].streetAddress"#,
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
            "urn:example:2.0:User:active",
            "urn:example:custom:2.0",
            "$ref",
        ] {
            assert_eq!(Path::parse(text), Ok(Path::Ignored), "{text}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in [
            "",
            ".",
            "1active",
            "na me",
            "name.",
            "name.a.b",
            "emails[",
            "emails[]",
            "emails[type]",
            r#"emails[type eq "work""#,
            r#"emails[type eq work]"#,
            r#"emails[type ne "work"]"#,
            "emails[0]",
            "active]",
            r#"emails[type eq "work" or type eq "home"]"#,
            r#"emails[type eq "wo\qrk"]"#,
            "ä",
        ] {
            assert!(Path::parse(text).is_err(), "{text}");
        }
        assert!(Path::parse(&"a".repeat(LONGEST + 1)).is_err());
    }

    #[test]
    fn escapes_do_not_end_a_text() {
        let found = conjunction(r#"userName eq "a\"b\\" and active eq TRUE"#).unwrap();
        assert_eq!(found[0].is, Operand::Text("a\"b\\".to_owned()));
        assert_eq!(found[1].is, Operand::Bool(true));
    }
}
