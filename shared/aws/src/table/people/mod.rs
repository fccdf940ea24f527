//! The people of an organization: audits, members and their changes.
//!
//! Members and changes of an organization are a partition each, so that both are read in order and nothing is scanned. The
//! item of an audit is that of its job.

mod audits;
mod members;
mod rosters;

use podio_lifecycle::{
    ids::{OrgId, UserId},
    people::{Audit, AuditId, Change},
    ports::{ChangeCursor, StoreError},
};

use super::{
    item::{Read, unreadable},
    keys::Key,
};
use crate::tables::SORT_KEY;

impl Key {
    /// An audit's record, which is its job.
    fn audit(id: &AuditId) -> Self {
        Self::fixed(&format!("JOB#{}#{id}", podio_lifecycle::work::JobId::AUDIT), "JOB")
    }

    /// An audit's place in the listing of its organization.
    fn audit_listing(audit: &Audit) -> Self {
        Self { pk: audits_of(audit.org_id), sk: audit.id.to_string() }
    }

    /// The audits of an organization in short.
    fn audited(org: OrgId) -> Self {
        Self::fixed(&format!("AUDITED#{org}"), "STATE")
    }

    /// Whom a page of an audit has listed. The numbers are padded, so that they sort as numbers do.
    fn listed(audit: &AuditId, page: u32) -> Self {
        Self { pk: listed_by(audit), sk: format!("{page:06}") }
    }

    /// A member.
    fn member(org: OrgId, user: UserId) -> Self {
        Self { pk: members_of(org), sk: member_key(user) }
    }

    /// A change of a member.
    fn change(org: OrgId, change: &Change) -> Self {
        Self { pk: changes_of(org), sk: ChangeCursor::of(change).0 }
    }
}

/// The partition that lists the audits of an organization.
fn audits_of(org: OrgId) -> String {
    format!("AUDITS#{org}")
}

/// The partition of the pages of an audit.
fn listed_by(audit: &AuditId) -> String {
    format!("AUDIT#{audit}")
}

/// The partition of the members of an organization.
fn members_of(org: OrgId) -> String {
    format!("MEMBERS#{org}")
}

/// The sort key of a member. The numbers are padded, so that they sort as numbers do.
fn member_key(user: UserId) -> String {
    format!("{:020}", user.0)
}

/// The partition of the changes of an organization.
fn changes_of(org: OrgId) -> String {
    format!("CHANGES#{org}")
}

/// The member that an item is about.
fn member_of(item: &super::Item) -> Result<UserId, StoreError> {
    item.text(SORT_KEY)?.parse().map(UserId).map_err(|_| unreadable(SORT_KEY))
}
