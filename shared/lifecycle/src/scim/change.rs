//! What a body makes of a user: one attribute after the other, each checked.
//!
//! Providers write the same in many ways: `"False"` for `false`, `name.givenName` for a part, the schema's URN in front of an
//! attribute, a list of one for a value. All of these are taken. Attributes that are not kept, passwords among them, are passed
//! over without being looked at.

use serde_json::{Map, Value};

use super::{
    Attribute, Changed, Email, Fault, Path, Refused, Wish,
    grammar::{Choice, Operand, Place, truth},
};

/// The longest text of any attribute, in characters.
const LONGEST_TEXT: usize = 320;
/// The most addresses of one user.
const MOST_EMAILS: usize = 20;

/// Reads the body of a POST.
///
/// # Errors
/// What is wrong with it.
pub fn create(body: &Value) -> Result<Changed, Refused> {
    whole(Wish::named(""), body)
}

/// Reads the body of a PUT. What it leaves out is cleared, but for `active`: somebody who was deactivated does not come back by
/// a body that does not say so.
///
/// # Errors
/// What is wrong with it.
pub fn replace(before: &Wish, body: &Value) -> Result<Changed, Refused> {
    whole(Wish { active: before.active, ..Wish::named("") }, body)
}

fn whole(blank: Wish, body: &Value) -> Result<Changed, Refused> {
    let Value::Object(fields) = body else {
        return Err(Refused::new(Fault::InvalidSyntax, "The body must be a user: an object."));
    };
    let mut editor = Editor::new(blank);
    editor.is_whole = true;
    editor.object(How::Replace, fields)?;
    editor.finish()
}

/// How a value is put where something may be already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// Beside it, where there may be several.
    Add,
    /// In its place.
    Replace,
}

/// A user while it is being changed.
pub(super) struct Editor {
    wish: Wish,
    states_active: bool,
    /// Whether the body is a whole user, in which null only says that nothing is said.
    is_whole: bool,
}

fn invalid(detail: impl Into<std::borrow::Cow<'static, str>>) -> Refused {
    Refused::new(Fault::InvalidValue, detail)
}

impl Editor {
    pub(super) fn new(wish: Wish) -> Self {
        Self { wish, states_active: false, is_whole: false }
    }

    /// The user, if it is one still.
    pub(super) fn finish(self) -> Result<Changed, Refused> {
        if self.wish.user_name.trim().is_empty() {
            return Err(invalid("userName is required."));
        }
        Ok(Changed { wish: self.wish, states_active: self.states_active })
    }

    /// Takes each attribute of an object. Its keys may be paths.
    pub(super) fn object(&mut self, how: How, fields: &Map<String, Value>) -> Result<(), Refused> {
        self.fields(how, fields, &mut Vec::new())
    }

    fn fields(&mut self, how: How, fields: &Map<String, Value>, seen: &mut Vec<Place>) -> Result<(), Refused> {
        for (key, value) in fields {
            let path = match Path::parse(key) {
                Ok(path) => path,
                // What is no path at all is no attribute of ours, unless it begins as one.
                Err(problem) if key.contains(['[', '.']) => {
                    return Err(Refused::new(
                        Fault::InvalidPath,
                        format!("An attribute's name cannot be read: {problem}."),
                    ));
                }
                Err(_) => continue,
            };
            match path {
                Path::Whole => match value {
                    Value::Object(inner) => self.fields(how, inner, seen)?,
                    _ => return Err(invalid("The attributes of a schema must be an object.")),
                },
                Path::Ignored => {}
                Path::Known(place) => {
                    // Differing in case or by the URN, they name one attribute, and nobody could say which of them counts.
                    if seen.contains(&place) {
                        return Err(Refused::new(Fault::InvalidSyntax, "An attribute is given more than once."));
                    }
                    self.set(how, &place, value)?;
                    seen.push(place);
                }
            }
        }
        Ok(())
    }

    /// Puts a value; null removes.
    pub(super) fn set(&mut self, how: How, place: &Place, value: &Value) -> Result<(), Refused> {
        if value.is_null() {
            let unsaid = self.is_whole && matches!(place.attribute, Attribute::Active | Attribute::UserName);
            return if unsaid { Ok(()) } else { self.remove(place, None) };
        }
        match place.attribute {
            // The server's own; providers send it along.
            Attribute::Id => {}
            Attribute::Active => {
                self.wish.active = boolean(scalar(value)).ok_or_else(|| invalid("active must be true or false."))?;
                self.states_active = true;
            }
            Attribute::UserName => {
                let name = text(scalar(value), "userName")?.ok_or_else(|| invalid("userName must not be empty."))?;
                self.wish.user_name = name;
            }
            Attribute::ExternalId => self.wish.external_id = text(scalar(value), "externalId")?,
            Attribute::DisplayName => self.wish.display_name = text(scalar(value), "displayName")?,
            Attribute::Name => self.name(place, value)?,
            Attribute::Emails => self.emails(how, place, value)?,
        }
        Ok(())
    }

    /// Takes something away. What is not there is no reason to refuse; what must be there is.
    pub(super) fn remove(&mut self, place: &Place, value: Option<&Value>) -> Result<(), Refused> {
        let required =
            |name| Err(Refused::new(Fault::Mutability, format!("{name} is required and cannot be removed.")));
        match place.attribute {
            Attribute::Id => return required("id"),
            Attribute::Active => return required("active"),
            Attribute::UserName => return required("userName"),
            Attribute::ExternalId => self.wish.external_id = None,
            Attribute::DisplayName => self.wish.display_name = None,
            Attribute::Name => match place.sub.as_deref() {
                None => self.wish.name = super::Name::default(),
                Some(sub) => {
                    if let Some(part) = self.name_part(sub) {
                        *part = None;
                    }
                }
            },
            Attribute::Emails => {
                let named: Option<Vec<Email>> = value.map(read_emails).transpose()?;
                let is_meant = |email: &Email| {
                    let named = named.as_ref();
                    fits(email, &place.choices)
                        && named
                            .is_none_or(|named| named.iter().any(|one| one.value.eq_ignore_ascii_case(&email.value)))
                };
                match place.sub.as_deref() {
                    None | Some("value") => self.wish.emails.retain(|email| !is_meant(email)),
                    Some("type") => self.each_email(&place.choices, |email| email.kind = None),
                    Some("primary") => self.each_email(&place.choices, |email| email.primary = None),
                    Some(_) => {}
                }
            }
        }
        Ok(())
    }

    fn name(&mut self, place: &Place, value: &Value) -> Result<(), Refused> {
        match (place.sub.as_deref(), value) {
            (Some(sub), value) => {
                if let Some(part) = self.name_part(sub) {
                    *part = text(scalar(value), "name")?;
                }
            }
            (None, Value::Object(parts)) => {
                for (key, value) in parts {
                    if let Some(part) = self.name_part(&key.to_ascii_lowercase()) {
                        *part = text(value, "name")?;
                    }
                }
            }
            (None, _) => return Err(invalid("name must be an object.")),
        }
        Ok(())
    }

    fn name_part(&mut self, sub: &str) -> Option<&mut Option<String>> {
        match sub {
            "formatted" => Some(&mut self.wish.name.formatted),
            "givenname" => Some(&mut self.wish.name.given),
            "familyname" => Some(&mut self.wish.name.family),
            _ => None,
        }
    }

    fn each_email(&mut self, choices: &[Choice], act: impl Fn(&mut Email)) {
        self.wish.emails.iter_mut().filter(|email| fits(email, choices)).for_each(act);
    }

    fn emails(&mut self, how: How, place: &Place, value: &Value) -> Result<(), Refused> {
        match place.sub.as_deref() {
            Some(sub) => self.email_part(&place.choices, sub, scalar(value))?,
            None if place.choices.is_empty() => {
                let given = read_emails(value)?;
                if how == How::Replace {
                    self.wish.emails.clear();
                }
                for email in given {
                    self.add_email(email);
                }
            }
            None => {
                let given = read_emails(value)?;
                let [given] = &given[..] else { return Err(invalid("One address is expected there.")) };
                self.wish.emails.retain(|email| !fits(email, &place.choices));
                let kind = given.kind.clone().or_else(|| chosen(&place.choices, "type"));
                self.add_email(Email { kind, ..given.clone() });
            }
        }
        if self.wish.emails.len() > MOST_EMAILS {
            return Err(Refused::new(Fault::TooMany, "A user has at most 20 addresses."));
        }
        Ok(())
    }

    /// Sets one part of the addresses that are meant. Where there is none yet, an address is made of the choice, as Microsoft
    /// expects it.
    fn email_part(&mut self, choices: &[Choice], sub: &str, value: &Value) -> Result<(), Refused> {
        let meant: Vec<usize> =
            (0..self.wish.emails.len()).filter(|at| fits(&self.wish.emails[*at], choices)).collect();
        match sub {
            "value" => {
                let address = text(value, "emails")?.ok_or_else(|| invalid("An address must not be empty."))?;
                match meant[..] {
                    [] => {
                        let primary = chosen(choices, "primary").and_then(|text| truth(&text));
                        self.add_email(Email { value: address, kind: chosen(choices, "type"), primary });
                    }
                    [at] => self.wish.emails[at].value = address,
                    _ => return Err(Refused::new(Fault::NoTarget, "Several addresses are meant by that path.")),
                }
            }
            "type" => {
                let kind = text(value, "emails")?;
                self.each_email(choices, |email| email.kind = kind.clone());
            }
            "primary" => {
                let primary = boolean(value).ok_or_else(|| invalid("primary must be true or false."))?;
                self.each_email(choices, |email| email.primary = Some(primary));
            }
            _ => {}
        }
        Ok(())
    }

    /// Adds an address. One with the same value and type is replaced, and only one is the primary one.
    fn add_email(&mut self, email: Email) {
        let emails = &mut self.wish.emails;
        emails.retain(|known| !(known.value.eq_ignore_ascii_case(&email.value) && known.kind == email.kind));
        if email.primary == Some(true) {
            emails.iter_mut().filter(|known| known.primary == Some(true)).for_each(|known| known.primary = Some(false));
        }
        emails.push(email);
    }
}

/// Whether an address is one of those that are chosen.
fn fits(email: &Email, choices: &[Choice]) -> bool {
    choices.iter().all(|choice| match (choice.sub.as_str(), &choice.is) {
        ("type", Operand::Text(kind)) => email.kind.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(kind)),
        ("value", Operand::Text(value)) => email.value.eq_ignore_ascii_case(value),
        ("primary", is) => is.as_bool() == Some(email.primary.unwrap_or(false)),
        _ => false,
    })
}

/// What a choice says of a part.
fn chosen(choices: &[Choice], sub: &str) -> Option<String> {
    choices.iter().find(|choice| choice.sub == sub).and_then(|choice| match &choice.is {
        Operand::Text(text) => Some(text.clone()),
        Operand::Bool(value) => Some(value.to_string()),
        Operand::Other => None,
    })
}

/// Addresses: a list of them, or one. An entry without a value says nothing.
fn read_emails(value: &Value) -> Result<Vec<Email>, Refused> {
    let entries = match value {
        Value::Array(entries) => &entries[..],
        one => std::slice::from_ref(one),
    };
    if entries.len() > MOST_EMAILS {
        return Err(Refused::new(Fault::TooMany, "A user has at most 20 addresses."));
    }
    let mut emails = Vec::with_capacity(entries.len());
    for entry in entries {
        let Value::Object(parts) = entry else { return Err(invalid("Each of emails must be an object.")) };
        let (mut email, mut address) = (Email::default(), None);
        for (key, value) in parts {
            match key.to_ascii_lowercase().as_str() {
                "value" => address = text(value, "emails")?,
                "type" => email.kind = text(value, "emails")?,
                "primary" if value.is_null() => {}
                "primary" => {
                    let primary = boolean(value).ok_or_else(|| invalid("primary must be true or false."))?;
                    email.primary = Some(primary);
                }
                _ => {}
            }
        }
        if let Some(address) = address {
            email.value = address;
            emails.push(email);
        }
    }
    Ok(emails)
}

/// A value that some providers wrap: in a list of one, in an object with `value`.
fn scalar(value: &Value) -> &Value {
    let one = match value {
        Value::Array(entries) if entries.len() == 1 => entries.first().unwrap_or(value),
        other => other,
    };
    match one {
        Value::Object(parts) => parts.get("value").unwrap_or(one),
        other => other,
    }
}

fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::String(text) => truth(text),
        _ => None,
    }
}

/// A text; none, where it is null or blank.
fn text(value: &Value, attribute: &str) -> Result<Option<String>, Refused> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.trim().is_empty() => Ok(None),
        Value::String(text) if text.chars().count() <= LONGEST_TEXT => Ok(Some(text.clone())),
        Value::String(_) => Err(invalid(format!("{attribute} is longer than {LONGEST_TEXT} characters."))),
        _ => Err(invalid(format!("{attribute} must be a text."))),
    }
}
