//! Audits.

use async_trait::async_trait;
use jiff::Timestamp;
use podio_lifecycle::{
    ids::{OrgId, UserId},
    people::{Audit, AuditId, AuditState, Audited},
    ports::{Audits, Begun, CarryOnAudits, Part as Portion, SaveError, StoreError},
};

use super::{audits_of, listed_by};
use crate::{
    table::{
        BODY, DynamoStore, Item, VERSION,
        item::{Read, item, json, number, text},
        keys::Key,
        read::GET_AT_ONCE,
        transaction::{Cancelled, Part, TRIES, Transaction, give_way},
        unavailable, values, work_item,
    },
    tables::{PARTITION_KEY, SORT_KEY, TTL},
};

/// Attribute: ids of users.
const USERS: &str = "users";

#[async_trait]
impl Audits for DynamoStore {
    async fn begin_audit(&self, audit: &Audit) -> Result<Begun, StoreError> {
        for attempt in 0..TRIES {
            let known = self.read_audited(audit.org_id).await?;
            if let Some(running) = known.as_ref().and_then(|(audited, _)| audited.running.clone()) {
                // The answer to the same request may have been lost.
                return Ok(if running == audit.id { Begun::New } else { Begun::UnderWay(running) });
            }
            let (before, version) = known.map_or((None, 0), |(audited, version)| (Some(audited), version));
            let head = Audited {
                running: Some(audit.id.clone()),
                first_began_at: before.as_ref().map_or(audit.started_at, |before| before.first_began_at),
                completed: before.as_ref().and_then(|before| before.completed.clone()),
            };
            let absent = format!("attribute_not_exists(#{PARTITION_KEY})");
            let mut transaction = Transaction::on(self);
            let mut record = item(&Key::audit(&audit.id));
            record.extend(encode(&audit.clone().following(before.as_ref()), 1)?);
            transaction.put(Part::Record, record, Some(&absent), None)?;
            transaction.put(Part::Listing, item(&Key::audit_listing(audit)), None, None)?;
            put_audited(&mut transaction, audit.org_id, &head, version)?;
            match transaction.send().await {
                Ok(()) => return Ok(Begun::New),
                Err(Cancelled::Store(error)) => return Err(error),
                Err(Cancelled::Conflict | Cancelled::Conditions(_)) => give_way(attempt).await,
            }
        }
        Err(StoreError::Unavailable("others keep beginning audits".to_owned()))
    }

    async fn audit(&self, id: &AuditId) -> Result<Option<Audit>, StoreError> {
        self.get(&Key::audit(id)).await?.as_ref().map(decode).transpose()
    }

    async fn audits(
        &self,
        org: OrgId,
        limit: usize,
        before: Option<&AuditId>,
    ) -> Result<Portion<Audit, AuditId>, StoreError> {
        let (condition, terms) = match before {
            None => (format!("#{PARTITION_KEY} = :audits"), values([(":audits", text(audits_of(org)))])),
            Some(before) => (
                format!("#{PARTITION_KEY} = :audits AND #{SORT_KEY} < :before"),
                values([(":audits", text(audits_of(org))), (":before", text(before.as_str()))]),
            ),
        };
        let limit = limit.clamp(1, GET_AT_ONCE);
        let query = self.query(&condition, terms).scan_index_forward(false);
        let answer = query.limit(i32::try_from(limit).unwrap_or(i32::MAX)).send().await;
        let answer = answer.map_err(|error| unavailable(&error))?;
        let ids: Vec<AuditId> = answer.items().iter().map(|item| item.parsed(SORT_KEY)).collect::<Result<_, _>>()?;
        let more = answer.last_evaluated_key.is_some_and(|key| !key.is_empty());
        let records = self.get_all(ids.iter().map(|id| Key::audit(id).attributes()).collect()).await?;
        let mut items: Vec<Audit> = records.iter().map(decode).collect::<Result<_, _>>()?;
        items.sort_by(|one, other| other.id.cmp(&one.id));
        Ok(Portion { items, next: ids.into_iter().last().filter(|_| more) })
    }

    async fn audited(&self, org: OrgId) -> Result<Option<Audited>, StoreError> {
        Ok(self.read_audited(org).await?.map(|(audited, _)| audited))
    }
}

#[async_trait]
impl CarryOnAudits for DynamoStore {
    async fn save_audit(&self, audit: &Audit) -> Result<(), SaveError> {
        let (update, mut terms) = work_item::update(encode(audit, audit.revision + 1)?, &work_item::ALL);
        terms.insert(":expected".to_owned(), number(audit.revision));
        let (key, condition) = (Key::audit(&audit.id), format!("#{VERSION} = :expected"));
        if !audit.is_over() {
            self.update_if(&key, &update, &condition, Some(terms)).await?;
            return Ok(());
        }
        let mut transaction = Transaction::on(self);
        transaction.update(Part::Record, &key, &update, &condition, Some(terms))?;
        if let Some((audited, version)) = self.read_audited(audit.org_id).await?
            && audited.running.as_ref() == Some(&audit.id)
        {
            let completed = match audit.state {
                AuditState::Completed { at } => Some((audit.id.clone(), at)),
                _ => audited.completed.clone(),
            };
            put_audited(&mut transaction, audit.org_id, &Audited { running: None, completed, ..audited }, version)?;
        }
        transaction.send().await.map_err(|cancelled| match cancelled {
            Cancelled::Store(error) => SaveError::Store(error),
            Cancelled::Conflict | Cancelled::Conditions(_) => SaveError::Conflict,
        })
    }

    async fn note_listed(
        &self,
        audit: &AuditId,
        page: u32,
        users: &[UserId],
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut noted = item(&Key::listed(audit, page));
        noted.insert(USERS.to_owned(), json(&users)?);
        noted.insert(TTL.to_owned(), number(expires_at.as_second()));
        self.put(noted).await
    }

    async fn listed(&self, audit: &AuditId) -> Result<Vec<UserId>, StoreError> {
        let terms = values([(":pages", text(listed_by(audit)))]);
        let query = self.query(&format!("#{PARTITION_KEY} = :pages"), terms).consistent_read(true);
        let mut pages = query.into_paginator().items().send();
        let mut users: Vec<UserId> = Vec::new();
        while let Some(page) = pages.next().await {
            let page: Item = page.map_err(|error| unavailable(&error))?;
            users.extend(page.json::<Vec<UserId>>(USERS)?);
        }
        users.sort_unstable();
        users.dedup();
        Ok(users)
    }
}

impl DynamoStore {
    /// The audits of an organization in short, and their version.
    async fn read_audited(&self, org: OrgId) -> Result<Option<(Audited, u64)>, StoreError> {
        let Some(item) = self.get(&Key::audited(org)).await? else { return Ok(None) };
        Ok(Some((item.json(BODY)?, item.number(VERSION)?)))
    }
}

/// Adds the put of the audits in short, on condition of the version that was read; 0 where there was none.
fn put_audited(
    transaction: &mut Transaction<'_>,
    org: OrgId,
    audited: &Audited,
    version: u64,
) -> Result<(), StoreError> {
    let mut head = item(&Key::audited(org));
    head.insert(BODY.to_owned(), json(audited)?);
    head.insert(VERSION.to_owned(), number(version + 1));
    match version {
        0 => transaction.put(Part::Audited, head, Some(&format!("attribute_not_exists(#{PARTITION_KEY})")), None),
        _ => {
            let terms = values([(":version", number(version))]);
            transaction.put(Part::Audited, head, Some(&format!("#{VERSION} = :version")), terms)
        }
    }
}

/// The attributes of an audit but for its key.
fn encode(audit: &Audit, revision: u64) -> Result<Item, StoreError> {
    let mut item = Item::new();
    item.insert(BODY.to_owned(), json(audit)?);
    item.insert(VERSION.to_owned(), number(revision));
    if let Some(waiting) = audit.waiting() {
        item.extend(work_item::encode(&waiting)?);
    }
    Ok(item)
}

fn decode(item: &Item) -> Result<Audit, StoreError> {
    let audit: Audit = item.json(BODY)?;
    Ok(Audit { revision: item.number(VERSION)?, ..audit })
}
