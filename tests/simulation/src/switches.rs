//! Every switch of the sandbox, and its values.

use podio_sandbox::{Profile, Switches, switches::OverMax};

use crate::dice::Dice;

/// The switches that have something to say to a leaver and their values, by the names that the sandbox gives them.
pub const SWITCHES: &[(&str, &[&str])] = &[
    ("token-endpoints", &["both", "form", "json"]),
    ("refresh-rotation", &["same", "new-old-invalid", "new-old-valid", "none-returned"]),
    ("token-ref", &["present", "absent"]),
    ("token-scope", &["present", "absent"]),
    ("bearer-scheme", &["accepted", "refused"]),
    ("member-shape", &["nested", "flat"]),
    ("space-member-person", &["user", "profile"]),
    ("mail-shape", &["string", "array"]),
    ("date-format", &["podio", "iso8601"]),
    ("page-default", &["3", "20", "100"]),
    ("page-max", &["7", "100", "500"]),
    ("over-max", &["clamp", "refuse"]),
    ("member-query", &["honoured", "ignored"]),
    ("member-by-mail", &["offered", "absent"]),
    ("member-search", &["offered", "absent"]),
    ("end-member-info", &["offered", "absent"]),
    ("member-spaces", &["offered", "absent"]),
    ("all-spaces", &["offered", "absent"]),
    ("space-members-v2", &["offered", "absent"]),
    ("ended-space-members", &["offered", "absent"]),
    ("user-by-id", &["offered", "absent"]),
    ("removed-org-member", &["not-found", "forbidden", "ended"]),
    ("removed-space-member", &["not-found", "forbidden", "ended"]),
    ("write-answer", &["no-content", "empty-object", "empty-body"]),
    ("second-delete", &["not-found", "forbidden", "no-content"]),
    ("plural-user-ids", &["accepted", "all-members", "first-only", "invalid-value", "no-operation"]),
    ("empty-body", &["accepted", "refused"]),
    ("org-admin-in-foreign-spaces", &["allowed", "forbidden"]),
    ("org-admin-without-spaces", &["allowed", "forbidden"]),
    ("last-space-removal", &["keeps-org-membership", "ends-org-membership"]),
    ("last-org-admin", &["refused-forbidden", "refused-conflict", "allowed"]),
    ("last-space-admin", &["refused", "allowed", "promotes"]),
    ("promotion", &["longest-member", "everybody"]),
    ("org-delete", &["ends-spaces", "keeps-spaces"]),
    ("preview-lists", &["overlapping", "disjoint"]),
    ("employee-network", &["none", "ended", "survives"]),
    ("foreign-space-names", &["hidden", "shown"]),
    ("org-spaces", &["all", "own"]),
    ("deleted-space", &["not-found", "gone"]),
    ("rate-limit-wait", &["header", "text", "http-date", "untold"]),
    ("rate-limit-headers", &["present", "absent"]),
    ("quota-key", &["client-and-user", "client", "everybody"]),
    ("heavy-routes", &["members", "removals"]),
    ("exhaustion", &["blocks-all", "blocks-bucket"]),
    ("rejected-calls", &["free", "extend"]),
    ("error-language", &["english", "localised"]),
    ("hook-verification", &["on-create", "on-request"]),
    ("member-events", &["with-user", "without-user", "absent"]),
    ("delivery-copies", &["one", "two"]),
    ("delivery-order", &["at-once", "in-order", "reversed", "shuffled"]),
];

/// The others, which are drawn when everything else is.
pub const OTHERS: &[(&str, &[&str])] = &[
    ("client-credentials", &["accepted", "refused"]),
    ("password-grant", &["tokens", "second-factor"]),
    ("deleted-item", &["not-found", "gone"]),
    ("unknown-mails", &["refused", "accepted"]),
    ("org-hooks", &["accepted", "refused"]),
    ("empty-external-id", &["absent", "present"]),
    ("hook-retries", &["0", "3"]),
    ("hook-failures-allowed", &["1", "50"]),
    ("hook-timeout-seconds", &["1", "10"]),
];

/// Sets some of the others. To be called last, so that whatever else a seed draws stays as it is.
pub fn draw_others(dice: &Dice, switches: &mut Switches) {
    for (name, values) in OTHERS {
        if dice.chance(0.2) {
            switches.set(name, dice.pick::<&str>(values)).expect("a switch and one of its values");
        }
    }
}

/// One of the two profiles, with some switches set otherwise.
pub fn drawn(dice: &Dice) -> Switches {
    let mut switches = Switches::of(*dice.pick(&[Profile::Documented, Profile::Guide]));
    let wildness = *dice.pick(&[0.0, 0.05, 0.1, 0.4]);
    for (name, values) in SWITCHES {
        if dice.chance(wildness) {
            switches.set(name, dice.pick::<&str>(values)).expect("a switch and one of its values");
        }
    }
    if switches.over_max == OverMax::Refuse {
        // Nobody has heard of a Podio that refuses the hundred of the guide.
        switches.page_max = switches.page_max.max(100);
    }
    switches.page_default = switches.page_default.min(switches.page_max);
    switches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_switch_of_the_sandbox_is_drawn() {
        let drawn: Vec<&str> = SWITCHES.iter().chain(OTHERS).map(|(name, _)| *name).collect();
        for (name, _) in Switches::domains() {
            assert!(drawn.contains(&name.as_str()), "{name}");
        }
    }
}
