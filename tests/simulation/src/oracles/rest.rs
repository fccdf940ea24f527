//! Rule 4 and liveness: once nothing goes wrong any more, every request ends, and the leavers are gone.

use podio_lifecycle::ids::OffboardingId;
use podio_sandbox::{
    population::ORG_ID,
    switches::{EndedMembership, OrgDelete, PasswordGrant, RefreshRotation},
};

use super::{Evidence, Violation, broken, targets};

pub(super) fn judge(evidence: &Evidence<'_>) -> Vec<Violation> {
    let mut broken_rules = Vec::new();
    for wish in 0..evidence.scene.wishes.len() {
        if !evidence.dealings.granted.iter().any(|granted| granted.wish == wish) {
            broken_rules.push(broken(9, format!("wish {wish} was never answered")));
        }
    }
    for id in evidence.dealings.ids() {
        let state = evidence.dealings.state(&id);
        let view = &evidence.dealings.views.get(&id);
        if !evidence.dealings.rests(&id) {
            broken_rules.push(broken(9, format!("{id} is {state} still: {view:?}")));
        }
        if state == "failed" {
            let code = view.and_then(|view| view["failure"]["code"].as_str()).unwrap_or_default();
            if code.is_empty() {
                broken_rules.push(broken(4, format!("{id} failed and does not say why")));
            }
            if !is_excused(evidence, &id, code) {
                broken_rules.push(broken(9, format!("{id} failed for {code} although all is well: {view:?}")));
            }
        }
        if state == "completed" && view.is_some_and(|view| view["outcome"].is_null()) {
            broken_rules.push(broken(4, format!("{id} is completed with no outcome")));
        }
    }
    broken_rules.extend(those_who_stayed(evidence));
    broken_rules
}

/// Whether this Podio, or what people did, leaves no other way than to fail.
fn is_excused(evidence: &Evidence<'_>, id: &OffboardingId, code: &str) -> bool {
    let switches = &evidence.scene.switches;
    let revoked = evidence.scene.strangers.iter().any(|(_, it)| matches!(it, crate::scene::Stranger::RevokesRefresh));
    match code {
        // Of somebody who is gone already and was posted by id, this Podio neither says that they are, nor lists an address
        // by which it would show.
        "missing_rights" => {
            let mut wishes = evidence.dealings.granted.iter().filter(|granted| granted.id == *id).map(|it| it.wish);
            switches.removed_org_member == EndedMembership::Forbidden
                && wishes.any(|wish| !evidence.scene.wishes[wish].by_mail)
        }
        // A refresh token that Podio has rotated is lost with the answer that brought it.
        "credential_rejected" => {
            let rotates = switches.refresh_rotation == RefreshRotation::NewOldInvalid;
            let logs_in = evidence.scene.password && switches.password_grant == PasswordGrant::Tokens;
            !logs_in && (revoked || rotates && evidence.token_lost)
        }
        _ => false,
    }
}

/// Leavers who are said to be removed and are there.
fn those_who_stayed(evidence: &Evidence<'_>) -> Vec<Violation> {
    let mut broken_rules = Vec::new();
    for (place, leaver) in evidence.scene.leavers.iter().enumerate() {
        let views = evidence.ids_of(place).into_iter().filter_map(|id| evidence.dealings.views.get(&id));
        let removed = views
            .filter(|view| ["removed", "already_gone", "unknown"].iter().any(|outcome| view["outcome"] == *outcome));
        let proven = removed.filter_map(|view| view["completed_at"].as_str()?.parse::<jiff::Timestamp>().ok()).max();
        let Some(proven) = proven else { continue };
        let wishes = evidence.scene.wishes.iter().filter(|wish| wish.leaver == place);
        let Some(wish) = wishes.map(|wish| wish.at).min() else { continue };
        let is_back = |at: jiff::Timestamp| {
            let last = evidence.log.iter().rposition(|call| targets(call).contains(&leaver.user) && call.time <= at);
            let since = last.map_or(evidence.log, |last| &evidence.log[last + 1..]);
            // Whoever comes back once the look has begun may be missed: a long list takes its time.
            at >= proven || since.iter().any(|call| evidence.is_look_at(call, leaver) && call.time <= at)
        };
        if evidence.dealings.added.iter().any(|(who, _, at)| *who == place && is_back(*at)) {
            continue;
        }
        if evidence.podio.org_member(ORG_ID, leaver.user).is_some() {
            broken_rules.push(broken(9, format!("{} was proven gone and is a member", leaver.user)));
        }
        let ends_spaces = evidence.scene.switches.org_delete == OrgDelete::EndsSpaces;
        for space in evidence.podio.spaces_of_member(ORG_ID, leaver.user) {
            let came_later = !ends_spaces && evidence.was_added(leaver.user, space, wish);
            let is_within_reach = evidence.is_open(space) || evidence.is_asked_about(space);
            let unseen = !ends_spaces && (!evidence.is_listed(space) || !is_within_reach);
            if !came_later && !unseen && !evidence.is_network(space) {
                broken_rules.push(broken(9, format!("{} was proven gone and is in {space}", leaver.user)));
            }
        }
    }
    broken_rules
}
