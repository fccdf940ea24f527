//! Which users a provider asks for.

use super::{
    Attribute, Fault, Index, Path, Refused, ScimUser, ScimUserId,
    grammar::{Operand, conjunction},
    lower,
};

/// One thing that must hold.
#[derive(Clone, PartialEq, Eq)]
enum Term {
    /// Which one; none, where the text can be nobody's id.
    Id(Option<ScimUserId>),
    UserName(String),
    ExternalId(String),
    WorkAddress(String),
    Active(bool),
}

/// What must hold of a user, all of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Filter {
    terms: Vec<Term>,
}

/// The most special thing that a filter names, by which users are looked up. Texts are as look-ups compare them.
#[derive(Clone, PartialEq, Eq)]
pub enum Key {
    /// Nobody can be meant.
    Nobody,
    /// By id.
    Id(ScimUserId),
    /// By something that users are indexed by.
    Index(Index),
    /// Everybody who is active, or everybody who is not.
    Active(bool),
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// [`Fault::InvalidFilter`]: it does not parse, or asks for something that is not looked up here.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let invalid = |detail| Refused::new(Fault::InvalidFilter, detail);
        let comparisons = conjunction(text).map_err(invalid)?;
        let mut terms = Vec::with_capacity(comparisons.len());
        for comparison in comparisons {
            let term = match comparison.path {
                Path::Known(place) => {
                    let is_work = |sub: &str, is: &Operand| {
                        sub == "type" && matches!(is, Operand::Text(kind) if kind.eq_ignore_ascii_case("work"))
                    };
                    let of_work = matches!(&place.choices[..], [choice] if is_work(&choice.sub, &choice.is));
                    match (place.attribute, place.sub.as_deref(), comparison.is) {
                        (Attribute::Emails, Some("value"), Operand::Text(text)) if of_work => {
                            Some(Term::WorkAddress(lower(&text)))
                        }
                        _ if !place.choices.is_empty() => None,
                        (Attribute::Id, None, Operand::Text(text)) => Some(Term::Id(text.parse().ok())),
                        (Attribute::UserName, None, Operand::Text(text)) => Some(Term::UserName(lower(&text))),
                        (Attribute::ExternalId, None, Operand::Text(text)) => Some(Term::ExternalId(text)),
                        (Attribute::Active, None, is) => is.as_bool().map(Term::Active),
                        _ => None,
                    }
                }
                Path::Whole | Path::Ignored => None,
            };
            const KNOWN: &str = "This server filters by `eq` on userName, externalId, id, active and \
                                 emails[type eq \"work\"].value, joined by `and`.";
            terms.push(term.ok_or_else(|| invalid(KNOWN.into()))?);
        }
        Ok(Self { terms })
    }

    /// Whether a user is asked for.
    pub fn matches(&self, user: &ScimUser) -> bool {
        let wish = &user.wish;
        self.terms.iter().all(|term| match term {
            Term::Id(id) => id.as_ref() == Some(&user.id),
            Term::UserName(name) => lower(&wish.user_name) == *name,
            Term::ExternalId(id) => wish.external_id.as_ref() == Some(id),
            Term::WorkAddress(address) => wish.work_addresses().contains(address),
            Term::Active(active) => wish.active == *active,
        })
    }

    /// The look-up that finds the fewest.
    pub fn key(&self) -> Key {
        let rank = |term: &&Term| match term {
            Term::Id(_) => 0,
            Term::UserName(_) => 1,
            Term::ExternalId(_) => 2,
            Term::WorkAddress(_) => 3,
            Term::Active(_) => 4,
        };
        match self.terms.iter().min_by_key(rank) {
            Some(Term::Id(Some(id))) => Key::Id(id.clone()),
            Some(Term::UserName(name)) => Key::Index(Index::UserName(name.clone())),
            Some(Term::ExternalId(id)) => Key::Index(Index::ExternalId(id.clone())),
            Some(Term::WorkAddress(address)) => Key::Index(Index::WorkAddress(address.clone())),
            Some(Term::Active(active)) => {
                // Two that contradict each other leave nobody.
                let agree = self.terms.iter().all(|term| *term == Term::Active(*active));
                if agree { Key::Active(*active) } else { Key::Nobody }
            }
            Some(Term::Id(None)) | None => Key::Nobody,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::scim::{Email, Wish};

    fn jane() -> ScimUser {
        let emails = vec![Email { value: "Jane@Example.com".into(), kind: Some("work".into()), primary: None }];
        let wish = Wish { emails, external_id: Some("Ab-1".into()), ..Wish::named("JDoe") };
        ScimUser::new(ScimUserId::new(Timestamp::UNIX_EPOCH, [3; 10]), wish, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn filters_of_providers_find_their_user() {
        let by_id = format!(r#"id eq "{}""#, jane().id);
        for text in [
            r#"userName eq "jdoe""#,
            r#"USERNAME Eq "JDOE""#,
            r#"externalId eq "Ab-1""#,
            r#"emails[type eq "work"].value eq "jane@example.com""#,
            r#"active eq true and userName eq "jdoe""#,
            r#"active eq "True""#,
            r#"urn:ietf:params:scim:schemas:core:2.0:User:userName eq "jdoe""#,
            &by_id,
        ] {
            assert!(Filter::parse(text).unwrap().matches(&jane()), "{text}");
        }
        for text in [
            r#"userName eq "jd""#,
            r#"externalId eq "ab-1""#,
            r#"active eq false"#,
            r#"id eq "x""#,
            r#"userName eq "jdoe" and active eq false"#,
        ] {
            assert!(!Filter::parse(text).unwrap().matches(&jane()), "{text}");
        }
    }

    #[test]
    fn everything_else_is_an_invalid_filter() {
        for text in [
            "",
            " ",
            "userName",
            "userName pr",
            r#"userName sw "j""#,
            r#"userName eq jane"#,
            "userName eq true",
            r#"userName eq "a" or userName eq "b""#,
            r#"not (userName eq "a")"#,
            r#"(userName eq "a")"#,
            r#"displayName eq "Jane""#,
            r#"emails.value eq "a""#,
            r#"emails eq "a""#,
            r#"title eq "a""#,
            r#"emails[type eq "home"].value eq "a""#,
            r#"name.givenName eq "a""#,
            "active eq 1",
            "active eq null",
            r#"userName eq "a" and"#,
            r#"userName eq "a"  userName eq "b""#,
            r#"userName[type eq "work"] eq "a""#,
        ] {
            let refused = Filter::parse(text).map(|_| ()).unwrap_err();
            assert_eq!(refused.fault, Fault::InvalidFilter, "{text}");
        }
        let many = [r#"userName eq "a""#; 11].join(" and ");
        assert!(Filter::parse(&many).is_err());
    }

    #[test]
    fn narrowest_part_is_looked_up() {
        let key = |text: &str| Filter::parse(text).unwrap().key();
        assert!(
            key(r#"active eq true and externalId eq "1" and userName eq "A""#)
                == Key::Index(Index::UserName("a".into()))
        );
        assert!(key(r#"active eq true and externalId eq "1""#) == Key::Index(Index::ExternalId("1".into())));
        assert!(key("active eq false") == Key::Active(false));
        assert!(key("active eq false and active eq true") == Key::Nobody);
        assert!(key(r#"id eq "x" and userName eq "a""#) == Key::Nobody);
    }
}
