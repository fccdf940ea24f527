//! What a seed tells: which Podio, who is there, who leaves and when, and what goes wrong.

use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::people::AuditSchedule;
use podio_sandbox::{
    Config, ErrorBody, FaultAction, FaultRule, Population, Profile, Quota, State, Switches, UserId, WindowModel,
    config::{self, Config as Sandbox},
};

use crate::{dice::Dice, fate::Rates, switches};

/// When every run begins.
pub const START: &str = "2026-12-01T08:00:00Z";

/// Somebody who leaves.
#[derive(Debug, Clone)]
pub struct Leaver {
    /// The account.
    pub user: UserId,
    /// Its address.
    pub mail: String,
}

/// A request that an HR system posts, and what becomes of its patience.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Who leaves: the place among the leavers.
    pub leaver: usize,
    /// By address, or by id.
    pub by_mail: bool,
    /// When it is posted first.
    pub at: Timestamp,
    /// From when on the person may be removed.
    pub effective_at: Option<Timestamp>,
    /// Nothing is to be changed.
    pub dry_run: bool,
    /// A person wants to decide.
    pub require_approval: bool,
    /// The id of the message.
    pub key: String,
    /// When it is posted again, although it was answered.
    pub repeats: Vec<Timestamp>,
    /// When somebody thinks better of it.
    pub cancel_at: Option<Timestamp>,
}

impl Wish {
    /// A request to remove somebody at once, posted once as message `number`.
    pub fn plain(leaver: usize, by_mail: bool, at: Timestamp, number: usize) -> Self {
        Self {
            leaver,
            by_mail,
            at,
            effective_at: None,
            dry_run: false,
            require_approval: false,
            key: format!("msg_{number}"),
            repeats: Vec::new(),
            cancel_at: None,
        }
    }
}

/// Something that happens in Podio without us.
#[derive(Debug, Clone)]
pub enum Stranger {
    /// Somebody adds a leaver to a space that is there.
    Adds(usize),
    /// Somebody makes a space, with the acting admin and others in it, and adds a leaver.
    Founds(usize),
    /// Somebody takes a leaver out of a space.
    Removes(usize),
    /// Podio ends the access tokens.
    RevokesAccess,
    /// Podio ends the refresh tokens.
    RevokesRefresh,
    /// Somebody spends the same quota.
    Spends(u32),
}

/// Podio is out of order for about a day, until all is calm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outage {
    /// It answers nothing but 503.
    Down,
    /// It can be read, and takes no removal.
    ReadOnly,
}

impl Outage {
    /// The rule that makes it so.
    pub fn rule(self) -> FaultRule {
        let action = FaultAction::Error { status: 503, body: ErrorBody::Json, after_effect: false };
        let method = match self {
            Self::Down => None,
            Self::ReadOnly => Some("DELETE".to_owned()),
        };
        FaultRule { method, path: "*".to_owned(), nth: 1, count: None, probability: None, seed: 0, action }
    }
}

/// A whole story, before it happens.
#[derive(Debug, Clone)]
pub struct Scene {
    /// How Podio behaves.
    pub switches: Switches,
    /// Podio's quota.
    pub quota: Quota,
    /// Who leaves.
    pub leavers: Vec<Leaver>,
    /// What is posted.
    pub wishes: Vec<Wish>,
    /// What happens behind our back.
    pub strangers: Vec<(Timestamp, Stranger)>,
    /// What goes wrong in our own house.
    pub rates: Rates,
    /// What goes wrong at Podio, and how often.
    pub podio_faults: Vec<(FaultAction, f64)>,
    /// When Podio is out of order, if it is at all.
    pub outage: Option<(Timestamp, Outage)>,
    /// From when until when the operator pauses the service, if ever.
    pub pause: Option<(Timestamp, Timestamp)>,
    /// When nothing goes wrong any more.
    pub calm_at: Timestamp,
    /// How far the clock of each machine is ahead.
    pub skews: Vec<SignedDuration>,
    /// Workers at once.
    pub workers: usize,
    /// Whether hooks are wanted on the spaces.
    pub hooks: bool,
    /// Leavers in an hour before the rest are held.
    pub mass_threshold: usize,
    /// How often the sweep comes.
    pub sweep_every: SignedDuration,
    /// Password as a second way to a token.
    pub password: bool,
    /// How often the organization is audited.
    pub audits: AuditSchedule,
}

impl Scene {
    /// The scene of a seed, and Podio as it is at the beginning.
    pub fn drawn(dice: &Dice) -> (Self, State) {
        let start: Timestamp = START.parse().expect("a time");
        let switches = switches::drawn(dice);
        let quota = quota(dice);
        let (population, mails) = population(dice);
        let podio =
            Config { switches: switches.clone(), quota: quota.clone(), population, ..Sandbox::new(Profile::Guide) };
        let mut state = podio.initial_state(start);
        let leavers: Vec<Leaver> = mails
            .into_iter()
            .map(|mail| Leaver { user: state.person_by_mail(&mail).expect("somebody with a part"), mail })
            .collect();
        let calm_at = start + SignedDuration::from_mins(dice.between(60, 600));
        let wishes = wishes(dice, &leavers, start, calm_at);
        let strangers = strangers(dice, leavers.len(), start, calm_at);
        let rough = *dice.pick(&[0.0, 0.3, 1.0, 3.0]);
        let mut scene = Self {
            rates: rates(dice, rough),
            podio_faults: podio_faults(dice, rough),
            skews: (0..6).map(|_| SignedDuration::from_millis(dice.between(-1_000, 1_000))).collect(),
            workers: dice.below(3) + 1,
            hooks: dice.chance(0.3),
            mass_threshold: if dice.chance(0.1) { 1 } else { 25 },
            sweep_every: SignedDuration::from_secs(*dice.pick(&[60, 60, 180])),
            password: dice.chance(0.5),
            switches,
            quota,
            leavers,
            wishes,
            strangers,
            outage: None,
            pause: None,
            calm_at,
            audits: AuditSchedule::NEVER,
        };
        // Last, so that whatever else a seed draws stays as it is.
        if dice.chance(0.05) {
            scene.post_the_acting_admin(dice, &state, start);
        }
        if dice.chance(0.1) {
            scene.post_a_department(dice, &mut state, start);
        }
        switches::draw_others(dice, &mut scene.switches);
        state.switches = scene.switches.clone();
        if dice.chance(0.03) {
            let from = start + SignedDuration::from_secs(dice.between(0, 600));
            scene.outage = Some((from, *dice.pick(&[Outage::Down, Outage::ReadOnly])));
            scene.calm_at = from + SignedDuration::from_mins(dice.between(20 * 60, 30 * 60));
        }
        if dice.chance(0.1) {
            let from = start + SignedDuration::from_mins(dice.between(0, 120));
            let until = from + SignedDuration::from_mins(dice.between(10, 240));
            scene.pause = Some((from, until));
            scene.calm_at = scene.calm_at.max(until);
        }
        (scene, state)
    }

    /// One leaver in that many spaces, a Podio as it is documented, and nothing that goes wrong.
    pub fn quiet(spaces: usize) -> (Self, State) {
        let start: Timestamp = START.parse().expect("a time");
        let mail = "jane.doe@example.com".to_owned();
        let population = Population::new(1).members(16).spaces(spaces).leaver("Jane Doe", &mail, spaces);
        let podio = Config { population, ..Sandbox::new(Profile::Documented) };
        let state = podio.initial_state(start);
        let user = state.person_by_mail(&mail).expect("somebody with a part");
        let scene = Self {
            switches: podio.switches,
            quota: podio.quota,
            leavers: vec![Leaver { user, mail }],
            wishes: vec![Wish::plain(0, true, start, 0)],
            strangers: Vec::new(),
            rates: Rates::default(),
            podio_faults: Vec::new(),
            outage: None,
            pause: None,
            calm_at: start,
            skews: vec![SignedDuration::ZERO],
            workers: 2,
            hooks: false,
            mass_threshold: 25,
            sweep_every: SignedDuration::from_mins(1),
            password: true,
            audits: AuditSchedule::NEVER,
        };
        (scene, state)
    }

    /// The grants that are configured: a refresh token, and perhaps a password.
    pub fn grants(&self) -> Vec<podio_client::oauth::Grant> {
        use podio_client::{Password, RefreshToken, oauth::Grant};
        let password =
            Grant::Password { username: config::USERNAME.to_owned(), password: Password::new(config::PASSWORD) };
        let refresh = Grant::Refresh(RefreshToken::new(config::REFRESH_TOKEN));
        if self.password { vec![refresh, password] } else { vec![refresh] }
    }

    /// The scene in a few lines: the switches that are not the profile's, and what happens.
    pub fn summary(&self) -> String {
        let json = |switches: &Switches| serde_json::to_value(switches).unwrap_or_default();
        let (mine, guide, documented) =
            (json(&self.switches), json(&Switches::of(Profile::Guide)), json(&Switches::of(Profile::Documented)));
        let mut switches: Vec<String> = Vec::new();
        for (name, value) in mine.as_object().into_iter().flatten() {
            if guide[name] != documented[name] || *value != guide[name] {
                switches.push(format!("{name}={value}"));
            }
        }
        format!(
            "scene: {}\nquota {:?}\nleavers {:?}\nwishes {:#?}\nstrangers {:?}\nrates {:?}\nPodio's faults {:?}\noutage {:?}\npause {:?}\ncalm at {}, {} workers, hooks {}, mass {}, sweep {:#}, password {}",
            switches.join(" "),
            self.quota,
            self.leavers,
            self.wishes,
            self.strangers,
            self.rates,
            self.podio_faults,
            self.outage,
            self.pause,
            self.calm_at,
            self.workers,
            self.hooks,
            self.mass_threshold,
            self.sweep_every,
            self.password
        )
    }

    /// Whether nobody else spends the quota.
    pub fn is_alone(&self) -> bool {
        !self.strangers.iter().any(|(_, stranger)| matches!(stranger, Stranger::Spends(_)))
    }
}

fn quota(dice: &Dice) -> Quota {
    let (limit, window_seconds) = *dice.pick(&[(250, 3600), (250, 3600), (60, 3600), (30, 900)]);
    Quota {
        limit,
        general_limit: dice.chance(0.5).then_some(4 * limit),
        window_seconds,
        model: *dice.pick(&[WindowModel::Fixed, WindowModel::FirstCall, WindowModel::Sliding]),
        token_limit: 60,
        token_window_seconds: 300,
    }
}

/// An organization, and the addresses of those in it who may leave.
fn population(dice: &Dice) -> (Population, Vec<String>) {
    let spaces = dice.below(14) + 2;
    let mut population = Population::new(dice.any())
        .members(12 + dice.below(20))
        .spaces(spaces)
        .acting_admin_in_every(*dice.pick(&[1, 1, 3]));
    let mut mails = Vec::new();
    let mut cast = |name: &str| {
        let mail = format!("{name}.{}@example.com", mails.len());
        mails.push(mail.clone());
        mail
    };
    for _ in 0..dice.below(3) + 1 {
        population = match dice.below(8) {
            0 => population.sole_member("Solomon Lone", &cast("solomon")),
            1 => population.last_admin("Ada Steward", &cast("ada")),
            2 => population.invited("Ivy Invited", &cast("ivy")),
            3 => {
                let two = [cast("dora"), cast("diego")];
                population.department(two.iter().map(String::as_str), 1 + dice.below(spaces))
            }
            _ => population.leaver("Jane Doe", &cast("jane"), dice.below(spaces.min(13) + 1)),
        };
    }
    if dice.chance(0.5) {
        population = population.org_admin("Olga Other", "olga.other@example.com");
    }
    (population, mails)
}

fn wishes(dice: &Dice, leavers: &[Leaver], start: Timestamp, calm_at: Timestamp) -> Vec<Wish> {
    let storm = calm_at.duration_since(start).as_secs();
    let within = |dice: &Dice| start + SignedDuration::from_secs(dice.between(0, storm));
    let mut wishes = Vec::new();
    for leaver in 0..leavers.len() {
        for _ in 0..*dice.pick(&[1, 1, 1, 2]) {
            let at =
                if dice.chance(0.6) { start + SignedDuration::from_secs(dice.between(0, 60)) } else { within(dice) };
            wishes.push(Wish {
                leaver,
                by_mail: dice.chance(0.7),
                at,
                effective_at: dice.chance(0.25).then(|| at + SignedDuration::from_mins(dice.between(-30, 300))),
                dry_run: dice.chance(0.1),
                require_approval: dice.chance(0.1),
                key: format!("msg_{}", wishes.len()),
                repeats: (0..dice.below(3)).map(|_| within(dice)).filter(|again| *again > at).collect(),
                // Half of them while the plan is made.
                cancel_at: dice
                    .chance(0.15)
                    .then(|| at + SignedDuration::from_secs(dice.between(0, *dice.pick(&[15, 7200])))),
            });
        }
    }
    wishes
}

fn strangers(dice: &Dice, leavers: usize, start: Timestamp, calm_at: Timestamp) -> Vec<(Timestamp, Stranger)> {
    let storm = calm_at.duration_since(start).as_secs();
    let count = *dice.pick(&[0, 1, 1, 2, 4, 6]);
    let spending = dice.chance(0.1);
    let happen = |_| {
        // Most of it where it hurts: in the first minutes.
        let until = if dice.chance(0.7) { 300 } else { storm };
        let at = start + SignedDuration::from_secs(dice.between(0, until.min(storm)));
        let leaver = dice.below(leavers);
        let stranger = match dice.below(if spending { 8 } else { 7 }) {
            0 | 1 => Stranger::Adds(leaver),
            2 | 3 => Stranger::Founds(leaver),
            4 => Stranger::Removes(leaver),
            5 => Stranger::RevokesAccess,
            6 if dice.chance(0.3) => Stranger::RevokesRefresh,
            6 => Stranger::RevokesAccess,
            _ => Stranger::Spends(u32::try_from(dice.below(40)).unwrap_or(1)),
        };
        (at, stranger)
    };
    (0..count).map(happen).collect()
}

fn rates(dice: &Dice, rough: f64) -> Rates {
    let rate = |most: f64| if dice.chance(0.5) { rough * most } else { 0.0 };
    Rates {
        before: rate(0.01),
        after: rate(0.01),
        death: rate(0.002),
        sudden_death: rate(0.001),
        redelivery: rate(0.05),
        undeleted: rate(0.05),
        loss: rate(0.02),
    }
}

fn podio_faults(dice: &Dice, rough: f64) -> Vec<(FaultAction, f64)> {
    let error = |status, body, after_effect| FaultAction::Error { status, body, after_effect };
    let actions = [
        error(500, ErrorBody::Json, false),
        error(500, ErrorBody::Json, true),
        error(502, ErrorBody::Html, false),
        error(502, ErrorBody::Html, true),
        error(503, ErrorBody::Empty, false),
        error(504, ErrorBody::Empty, true),
        error(400, ErrorBody::Html, false),
        error(403, ErrorBody::Html, false),
        error(404, ErrorBody::Html, false),
        error(410, ErrorBody::Html, false),
        FaultAction::Html,
        FaultAction::RateLimit { wait_seconds: Some(60) },
        FaultAction::RateLimit { wait_seconds: None },
        FaultAction::Unauthorized,
        FaultAction::Timeout { seconds: 30, after_effect: false },
        FaultAction::Timeout { seconds: 30, after_effect: true },
        FaultAction::DropBeforeEffect,
        FaultAction::DropAfterEffect,
        FaultAction::Delay { millis: 6_000 },
    ];
    actions.into_iter().filter(|_| dice.chance(0.4)).map(|action| (action, 0.02 * rough)).collect()
}

/// The rules that make a Podio fail that often.
pub fn rules(dice: &Dice, faults: &[(FaultAction, f64)]) -> Vec<FaultRule> {
    let rule = |(action, probability): &(FaultAction, f64)| FaultRule {
        method: None,
        path: "*".to_owned(),
        nth: 1,
        count: None,
        probability: Some(*probability),
        seed: dice.any(),
        action: action.clone(),
    };
    faults.iter().map(rule).collect()
}
