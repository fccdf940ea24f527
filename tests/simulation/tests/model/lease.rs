//! The credential lease: two workers, a token that Podio refuses, a death at any step.
//!
//! Podio rotates: each refresh makes the token that was shown invalid. The lease is old only once its holder is dead, which
//! is what its length is for.

use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::credentials::{LEASE, Renewal, TokenRecord, TokenStep, next_step};
use secrecy::{ExposeSecret, SecretString};
use stateright::{Checker, Model, Property};

const WORKERS: usize = 2;

/// What is stored, in numbers: tokens are named by the order in which Podio made them up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Stored {
    access: Option<u8>,
    refresh: Option<u8>,
    previous: Option<u8>,
    leased: bool,
    revision: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Doing {
    /// Has a call to make, and knows that this token was refused.
    Wants(Option<u8>),
    /// Has read the record.
    Read(Option<u8>, Stored),
    /// Holds the lease, as stored.
    Leases(Stored),
    /// Has a new token, under that lease.
    Renewed(Stored, u8),
    /// Calls Podio with that token.
    Calls(u8),
    /// Has made its call.
    Done,
    /// Podio does not take any refresh token that is left.
    Stranded,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct World {
    stored: Stored,
    workers: [Doing; WORKERS],
    /// Podio: the access and the refresh token that are good, and the last that was made up.
    good: Option<u8>,
    refreshable: u8,
    last: u8,
    /// The holder of the lease lives.
    holder: Option<usize>,
    /// Renewals under way at Podio at once.
    renewals: u8,
    revocations: u8,
    crashes: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Action {
    Step(usize),
    Crash(usize),
    Revoke,
}

struct Lease {
    revocations: u8,
    crashes: u8,
    /// Whether a new refresh token is forgotten.
    forgets: bool,
}

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn secret(token: u8) -> SecretString {
    SecretString::from(token.to_string())
}

fn number(token: &Option<SecretString>) -> Option<u8> {
    token.as_ref().map(|token| token.expose_secret().parse().unwrap())
}

impl Stored {
    fn record(self, is_held: bool) -> TokenRecord {
        let end = if is_held { now() + LEASE } else { now() - SignedDuration::from_secs(1) };
        TokenRecord {
            access_token: self.access.map(secret),
            expires_at: now() + SignedDuration::from_hours(8),
            refresh_token: self.refresh.map(secret),
            previous_refresh_token: self.previous.map(secret),
            leased_until: self.leased.then_some(end),
            revision: self.revision,
            ..TokenRecord::empty("model")
        }
    }

    fn of(record: &TokenRecord, revision: u64) -> Self {
        Self {
            access: number(&record.access_token),
            refresh: number(&record.refresh_token),
            previous: number(&record.previous_refresh_token),
            leased: record.leased_until.is_some(),
            revision,
        }
    }
}

impl World {
    fn save(&mut self, record: &TokenRecord) -> Option<Stored> {
        if record.revision != self.stored.revision {
            return None;
        }
        self.stored = Stored::of(record, record.revision + 1);
        Some(self.stored)
    }

    fn step(&mut self, place: usize, forgets: bool) {
        self.workers[place] = match self.workers[place] {
            Doing::Wants(refused) => Doing::Read(refused, self.stored),
            Doing::Read(refused, read) => self.decide(place, refused, read),
            Doing::Leases(leased) => self.renew(place, leased),
            Doing::Renewed(leased, token) => {
                let renewal = Renewal {
                    access_token: secret(token),
                    renewed_at: now(),
                    expires_at: now() + SignedDuration::from_hours(8),
                    refresh_token: (!forgets).then(|| secret(token)),
                    acting_user: None,
                };
                match self.save(&leased.record(true).renewed(renewal)) {
                    Some(_) => {
                        self.holder = None;
                        Doing::Calls(token)
                    }
                    // Somebody wrote since: read it again, and store the token over that.
                    None => Doing::Renewed(self.stored, token),
                }
            }
            Doing::Calls(token) if self.good == Some(token) => Doing::Done,
            Doing::Calls(token) => Doing::Wants(Some(token)),
            still @ (Doing::Done | Doing::Stranded) => still,
        };
    }

    fn decide(&mut self, place: usize, refused: Option<u8>, read: Stored) -> Doing {
        let refused_token = refused.map(secret);
        let record = read.record(self.holder.is_some());
        match next_step(&record, refused_token.as_ref(), now()) {
            TokenStep::Use(token) => Doing::Calls(token.expose_secret().parse().unwrap()),
            TokenStep::WaitUntil(_) => Doing::Wants(refused),
            TokenStep::Renew => match self.save(&record.leased(refused_token.as_ref(), now() + LEASE)) {
                Some(leased) => {
                    self.holder = Some(place);
                    Doing::Leases(leased)
                }
                None => Doing::Wants(refused),
            },
        }
    }

    /// Shows Podio the newest refresh token, then the one before.
    fn renew(&mut self, place: usize, leased: Stored) -> Doing {
        let shown = [leased.refresh, leased.previous].into_iter().flatten();
        if !shown.into_iter().any(|token| token == self.refreshable) {
            self.holder = self.holder.filter(|holder| *holder != place);
            return Doing::Stranded;
        }
        self.last += 1;
        self.refreshable = self.last;
        self.good = Some(self.last);
        Doing::Renewed(leased, self.last)
    }
}

impl Model for Lease {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        let stored = Stored { access: Some(0), refresh: Some(0), previous: None, leased: false, revision: 1 };
        vec![World {
            stored,
            workers: [Doing::Wants(None); WORKERS],
            good: Some(0),
            refreshable: 0,
            last: 0,
            holder: None,
            renewals: 0,
            revocations: self.revocations,
            crashes: self.crashes,
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        for (place, doing) in world.workers.iter().enumerate() {
            if matches!(doing, Doing::Done | Doing::Stranded) {
                continue;
            }
            actions.push(Action::Step(place));
            if world.crashes > 0 {
                actions.push(Action::Crash(place));
            }
        }
        if world.revocations > 0 && world.good.is_some() {
            actions.push(Action::Revoke);
        }
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut world = world.clone();
        match action {
            Action::Step(place) => world.step(place, self.forgets),
            Action::Crash(place) => {
                world.crashes -= 1;
                world.holder = world.holder.filter(|holder| *holder != place);
                world.workers[place] = Doing::Wants(None);
            }
            Action::Revoke => {
                world.revocations -= 1;
                world.good = None;
            }
        }
        let renewing = |doing: &&Doing| matches!(doing, Doing::Leases(_) | Doing::Renewed(..));
        world.renewals = u8::try_from(world.workers.iter().filter(renewing).count()).unwrap();
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("one worker renews at a time", |_, world: &World| world.renewals <= 1),
            Property::always("one renewal for each revocation and crash", |model: &Self, world: &World| {
                world.last <= (model.revocations - world.revocations) + (model.crashes - world.crashes)
            }),
            Property::always("nobody is stranded who has not died with a token", |model: &Self, world: &World| {
                model.crashes > 0 || !world.workers.contains(&Doing::Stranded)
            }),
            Property::sometimes("both have made their call", |model: &Self, world: &World| {
                world.workers == [Doing::Done; WORKERS] && world.last == model.revocations
            }),
        ]
    }
}

#[test]
fn no_order_of_two_workers_renews_twice_or_strands_anybody() {
    let checked = Lease { revocations: 2, crashes: 0, forgets: false }.checker().threads(2).spawn_bfs().join();
    eprintln!("lease: {} states, depth {}", checked.unique_state_count(), checked.max_depth());
    checked.assert_properties();
}

#[test]
fn a_death_at_any_step_leaves_the_lease_to_the_other() {
    let checked = Lease { revocations: 2, crashes: 2, forgets: false }.checker().threads(2).spawn_bfs().join();
    eprintln!("lease, with deaths: {} states, depth {}", checked.unique_state_count(), checked.max_depth());
    checked.assert_properties();
}

#[test]
fn the_model_finds_a_refresh_token_that_is_forgotten() {
    let checked = Lease { revocations: 2, crashes: 0, forgets: true }.checker().threads(2).spawn_bfs().join();
    assert!(checked.discovery("nobody is stranded who has not died with a token").is_some());
}
