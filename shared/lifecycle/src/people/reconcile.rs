//! Comparing the roster with the members.
//!
//! A list is a finding, and a removal is a person's decision. So whatever could be meant in two ways is `ambiguous`, and an
//! address that only a profile shows, which is the member's own to write, never makes somebody `matched`.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
};

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{AuditId, Member, MemberType, ReconciliationId, RosterEntry, RosterId, RosterStatus};
use crate::{
    actor::Actor,
    ids::{OrgId, UserId},
};

/// What a comparison finds of one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// In Podio, and not on the roster or left there.
    Orphan,
    /// On the roster, and not in Podio.
    Missing,
    /// In both, with a last day ahead.
    Leaving,
    /// In both, with another name or address.
    Mismatch,
    /// Fits several.
    Ambiguous,
    /// In Podio, not on the roster, and no employee.
    External,
    /// In both.
    Matched,
}

impl FindingKind {
    /// All kinds.
    pub const ALL: [Self; 7] =
        [Self::Orphan, Self::Missing, Self::Leaving, Self::Mismatch, Self::Ambiguous, Self::External, Self::Matched];

    /// Its name in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Orphan => "orphan",
            Self::Missing => "missing",
            Self::Leaving => "leaving",
            Self::Mismatch => "mismatch",
            Self::Ambiguous => "ambiguous",
            Self::External => "external",
            Self::Matched => "matched",
        }
    }

    /// What a person might do about it.
    pub fn suggested_action(self) -> &'static str {
        match self {
            Self::Orphan => "offboard",
            Self::Missing => "invite",
            Self::Leaving => "schedule_offboarding",
            Self::Mismatch | Self::Ambiguous | Self::External => "review",
            Self::Matched => "none",
        }
    }

    /// Whether an offboarding may follow from it.
    pub fn may_be_offboarded(self) -> bool {
        matches!(self, Self::Orphan | Self::Leaving | Self::External)
    }
}

/// By what a member was found on the roster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchedBy {
    /// The account's address is the roster's.
    Address,
    /// Another address of either.
    OtherAddress,
}

impl MatchedBy {
    /// Its name in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::OtherAddress => "other_address",
        }
    }
}

/// One finding. `Debug` shows neither name nor address.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was found.
    pub finding: FindingKind,
    /// The member, if there is one.
    pub user_id: Option<UserId>,
    /// The address: the member's, else the roster's.
    pub email: Option<String>,
    /// The name: the member's, else the roster's.
    pub name: Option<String>,
    /// By what they were found on the roster.
    pub matched_by: Option<MatchedBy>,
    /// What the roster says.
    pub roster_status: Option<RosterStatus>,
    /// Their last day, as the roster says.
    pub last_day: Option<Date>,
}

impl Finding {
    /// What a person might do about it. A profile proves nothing, so what hangs on one alone is looked at first.
    pub fn suggested_action(&self) -> &'static str {
        self.finding.suggested_action()
    }
}

impl fmt::Debug for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finding")
            .field("finding", &self.finding)
            .field("user_id", &self.user_id)
            .field("matched_by", &self.matched_by)
            .finish_non_exhaustive()
    }
}

/// One comparison, without its findings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciliation {
    /// Its id.
    pub id: ReconciliationId,
    /// The organization.
    pub org_id: OrgId,
    /// The roster.
    pub roster_id: RosterId,
    /// The audit that had ended last.
    pub audit_id: AuditId,
    /// Who asked for it.
    pub by: Actor,
    /// When.
    pub created_at: Timestamp,
    /// Findings of each kind.
    pub counts: BTreeMap<FindingKind, u32>,
    /// All of them.
    pub findings: u32,
}

/// How many findings of each kind there are; each kind is told.
pub fn counts(findings: &[Finding]) -> BTreeMap<FindingKind, u32> {
    let mut counts: BTreeMap<FindingKind, u32> = FindingKind::ALL.into_iter().map(|kind| (kind, 0)).collect();
    for finding in findings {
        *counts.entry(finding.finding).or_default() += 1;
    }
    counts
}

/// Compares the members with the roster, which has each address once, as of a day. Those who left Podio are nobody here. The
/// findings come in the order of their kinds.
pub fn reconcile(roster: &[RosterEntry], members: &[Member], today: Date) -> Vec<Finding> {
    let index = Index::of(roster);
    let current: Vec<&Member> = members.iter().filter(|member| member.is_current()).collect();
    let fits: Vec<Fit> = current.iter().map(|member| index.fit(member)).collect();
    // Who else fits the same entry.
    let mut claims: HashMap<usize, Vec<MatchedBy>> = HashMap::new();
    for fit in &fits {
        if let Fit::One(entry, by) = fit {
            claims.entry(*entry).or_default().push(*by);
        }
    }
    let mut taken = BTreeSet::new();
    let mut findings: Vec<Finding> = Vec::with_capacity(current.len());
    for (member, fit) in current.iter().zip(&fits) {
        findings.push(match fit {
            Fit::Nobody => {
                let is_external =
                    matches!(member.kind, Some(MemberType::External | MemberType::Guest | MemberType::Service));
                of_member(member, if is_external { FindingKind::External } else { FindingKind::Orphan }, None)
            }
            Fit::Several(entries) => {
                taken.extend(entries.iter().copied());
                of_member(member, FindingKind::Ambiguous, None)
            }
            Fit::One(entry, by) => {
                taken.insert(*entry);
                let claims = &claims[entry];
                let by_address = claims.iter().filter(|by| **by == MatchedBy::Address).count();
                let is_only = claims.len() == 1 || (*by == MatchedBy::Address && by_address == 1);
                let kind = if is_only { judge(member, &roster[*entry], *by, today) } else { FindingKind::Ambiguous };
                of_member(member, kind, Some((&roster[*entry], *by)))
            }
        });
    }
    let absent = roster.iter().enumerate().filter(|(n, entry)| !taken.contains(n) && entry.is_expected_on(today));
    findings.extend(absent.map(|(_, entry)| Finding {
        finding: FindingKind::Missing,
        user_id: None,
        email: Some(entry.email.as_str().to_owned()),
        name: entry.name.clone(),
        matched_by: None,
        roster_status: Some(entry.status),
        last_day: entry.last_day,
    }));
    findings.sort_by_key(|finding| finding.finding);
    findings
}

/// What fits a member.
enum Fit {
    Nobody,
    One(usize, MatchedBy),
    Several(Vec<usize>),
}

/// The entries by address.
struct Index {
    by_address: HashMap<String, usize>,
    by_other: HashMap<String, Vec<usize>>,
}

impl Index {
    fn of(roster: &[RosterEntry]) -> Self {
        let mut index = Self { by_address: HashMap::new(), by_other: HashMap::new() };
        for (n, entry) in roster.iter().enumerate() {
            index.by_address.insert(entry.email.as_str().to_owned(), n);
            for other in &entry.other_emails {
                index.by_other.entry(other.as_str().to_owned()).or_default().push(n);
            }
        }
        index
    }

    /// The account's own address decides, where it is the roster's. Else every address that either shows counts.
    fn fit(&self, member: &Member) -> Fit {
        let own = member.email().map(str::to_lowercase);
        if let Some(entry) = own.as_ref().and_then(|own| self.by_address.get(own)) {
            return Fit::One(*entry, MatchedBy::Address);
        }
        let shown = member.emails.iter().map(|email| email.to_lowercase());
        let found: BTreeSet<usize> = shown
            .flat_map(|email| {
                let others = self.by_other.get(&email).into_iter().flatten().copied();
                self.by_address.get(&email).copied().into_iter().chain(others).collect::<Vec<_>>()
            })
            .collect();
        let found: Vec<usize> = found.into_iter().collect();
        match found[..] {
            [] => Fit::Nobody,
            [entry] => Fit::One(entry, MatchedBy::OtherAddress),
            _ => Fit::Several(found),
        }
    }
}

fn judge(member: &Member, entry: &RosterEntry, by: MatchedBy, today: Date) -> FindingKind {
    let same_name =
        member.name.as_deref().zip(entry.name.as_deref()).is_none_or(|(one, other)| words(one) == words(other));
    match () {
        // An address that a profile shows is no proof that it is the person who left.
        () if !entry.is_expected_on(today) && by == MatchedBy::OtherAddress => FindingKind::Ambiguous,
        () if !entry.is_expected_on(today) => FindingKind::Orphan,
        () if entry.last_day.is_some() => FindingKind::Leaving,
        () if by == MatchedBy::OtherAddress || !same_name => FindingKind::Mismatch,
        () => FindingKind::Matched,
    }
}

/// The words of a name, in whatever order: `Doe, Jane` is Jane Doe.
fn words(name: &str) -> BTreeSet<String> {
    let words = name.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

fn of_member(member: &Member, finding: FindingKind, matched: Option<(&RosterEntry, MatchedBy)>) -> Finding {
    Finding {
        finding,
        user_id: Some(member.user_id),
        email: member.email().map(str::to_owned),
        name: member.name.clone(),
        matched_by: matched.map(|(_, by)| by),
        roster_status: matched.map(|(entry, _)| entry.status),
        last_day: matched.and_then(|(entry, _)| entry.last_day),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::MemberStatus;

    fn today() -> Date {
        "2026-12-01".parse().unwrap()
    }

    fn member(user: u64, name: &str, emails: &[&str]) -> Member {
        Member {
            user_id: UserId(user),
            name: Some(name.to_owned()),
            emails: emails.iter().map(|email| (*email).to_owned()).collect(),
            role: None,
            kind: Some(MemberType::Employee),
            status: MemberStatus::Active,
            spaces: None,
            invited_at: None,
            last_seen_at: None,
            first_listed_at: Timestamp::UNIX_EPOCH,
            last_listed_at: None,
            left_at: None,
            stale: false,
            revision: 1,
        }
    }

    fn entry(email: &str, name: &str) -> RosterEntry {
        RosterEntry {
            email: email.parse().unwrap(),
            other_emails: vec![],
            name: Some(name.to_owned()),
            status: RosterStatus::Active,
            last_day: None,
            employee_id: None,
            kind: None,
        }
    }

    fn kinds(roster: &[RosterEntry], members: &[Member]) -> Vec<(FindingKind, Option<u64>)> {
        let mut found: Vec<_> = reconcile(roster, members, today())
            .into_iter()
            .map(|finding| (finding.finding, finding.user_id.map(|user| user.0)))
            .collect();
        found.sort_by_key(|(_, user)| *user);
        found
    }

    #[test]
    fn each_kind_is_found() {
        let left = RosterEntry { status: RosterStatus::Left, ..entry("left@example.com", "Lea Left") };
        let last_day = Some("2026-12-24".parse().unwrap());
        let leaving = RosterEntry { last_day, ..entry("going@example.com", "Gus Going") };
        let over =
            RosterEntry { last_day: Some("2026-11-30".parse().unwrap()), ..entry("over@example.com", "Ove Over") };
        let roster = [
            entry("jane@example.com", "Doe, Jane"),
            entry("new@example.com", "Nia New"),
            entry("renamed@example.com", "Rita Roe"),
            left,
            leaving,
            over,
        ];
        let external = Member { kind: Some(MemberType::External), ..member(6, "Extra", &["extra@example.org"]) };
        let gone = Member { status: MemberStatus::Left, ..member(7, "Gone", &["gone@example.com"]) };
        let members = [
            member(1, "Jane Doe", &["Jane@Example.com"]),
            member(2, "Rita Doe", &["renamed@example.com"]),
            member(3, "Lea Left", &["left@example.com"]),
            member(4, "Gus Going", &["going@example.com"]),
            member(5, "Nobody Knows", &["nobody@example.com"]),
            external,
            gone,
            member(8, "Ove Over", &["over@example.com"]),
        ];
        assert_eq!(
            kinds(&roster, &members),
            [
                (FindingKind::Missing, None),
                (FindingKind::Matched, Some(1)),
                (FindingKind::Mismatch, Some(2)),
                (FindingKind::Orphan, Some(3)),
                (FindingKind::Leaving, Some(4)),
                (FindingKind::Orphan, Some(5)),
                (FindingKind::External, Some(6)),
                (FindingKind::Orphan, Some(8)),
            ]
        );
    }

    #[test]
    fn an_address_of_a_profile_matches_nobody_for_good() {
        let roster = [entry("jane@example.com", "Jane Doe")];
        let sly = member(2, "Sly", &["sly@example.org", "jane@example.com"]);
        assert_eq!(kinds(&roster, std::slice::from_ref(&sly)), [(FindingKind::Mismatch, Some(2))]);
        let both = [member(1, "Jane Doe", &["jane@example.com"]), sly.clone()];
        assert_eq!(kinds(&roster, &both), [(FindingKind::Matched, Some(1)), (FindingKind::Ambiguous, Some(2))]);
        let left = [RosterEntry { status: RosterStatus::Left, ..roster[0].clone() }];
        assert_eq!(kinds(&left, &[sly]), [(FindingKind::Ambiguous, Some(2))], "not an orphan by a profile alone");
    }

    #[test]
    fn who_fits_several_is_ambiguous_and_takes_nobodys_place() {
        let roster = [entry("jane@example.com", "Jane Doe"), entry("joe@example.com", "Joe Doe")];
        let both = member(1, "J. Doe", &["j@example.org", "jane@example.com", "joe@example.com"]);
        assert_eq!(kinds(&roster, &[both]), [(FindingKind::Ambiguous, Some(1))]);
        let twins = [
            member(1, "A", &["a@example.org", "jane@example.com"]),
            member(2, "B", &["b@example.org", "jane@example.com"]),
        ];
        let found = kinds(&roster[..1], &twins);
        assert_eq!(found, [(FindingKind::Ambiguous, Some(1)), (FindingKind::Ambiguous, Some(2))]);
    }

    #[test]
    fn every_kind_is_counted() {
        let counted = counts(&reconcile(&[], &[member(1, "A", &["a@example.com"])], today()));
        assert_eq!(counted.len(), 7);
        assert_eq!((counted[&FindingKind::Orphan], counted[&FindingKind::Missing]), (1, 0));
    }
}
