//! What a delivery makes the service check, so that several which mean the same are answered by one check.

use super::{Delivery, EventType};
use crate::ids::{AppId, ItemId, SpaceId, UserId};

/// One check, and all that it takes to answer the deliveries that led to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// Which hooks the object has, for verifications.
    Hooks,
    /// An item of the leavers app.
    Item(ItemId),
    /// Whether plans that are being carried out miss a space.
    Plans(SpaceId),
    /// The same, and whether a leaver is back in it: the user, or one of all members where the event names nobody.
    Arrivals(SpaceId, Option<UserId>),
    /// None, although the event means one: it does not name the item.
    NoItem,
    /// None, although the event means one: it does not name the space.
    NoSpace,
    /// None: the event is of interest to others only.
    Nothing,
}

impl Check {
    /// The check that a delivery leads to, where that app is the one of the leavers.
    pub fn of(delivery: &Delivery, leavers_app: Option<AppId>) -> Self {
        let (on, event) = (&delivery.on, &delivery.event);
        if !event.has_effect(on, leavers_app) {
            return Self::Nothing;
        }
        // The address is certain. Only a new space has its hook elsewhere.
        let (of_hook, named) = (on.as_space(), event.ids.space_id);
        match event.kind {
            EventType::Verify => Self::Hooks,
            _ if event.is_of_item() => event.ids.item_id.map_or(Self::NoItem, Self::Item),
            EventType::SpaceCreate => named.or(of_hook).map_or(Self::NoSpace, Self::Plans),
            EventType::MemberAdd => {
                of_hook.or(named).map_or(Self::NoSpace, |space| Self::Arrivals(space, event.ids.user_id))
            }
            _ => of_hook.or(named).map_or(Self::NoSpace, Self::Plans),
        }
    }
}

/// The checks that deliveries lead to, each with its deliveries, in the order of the first of each.
pub fn checks(deliveries: Vec<Delivery>, leavers_app: Option<AppId>) -> Vec<(Check, Vec<Delivery>)> {
    let mut checks: Vec<(Check, Vec<Delivery>)> = Vec::new();
    for delivery in deliveries {
        let check = Check::of(&delivery, leavers_app);
        match checks.iter_mut().find(|(known, _)| *known == check) {
            Some((_, same)) => same.push(delivery),
            None => checks.push((check, vec![delivery])),
        }
    }
    checks
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::hooks::{Fields, HookRef, Interest};

    const LEAVERS: AppId = AppId(55);

    fn delivery(on: &HookRef, form: &str) -> Delivery {
        let pairs = form.split('&').filter_map(|pair| pair.split_once('='));
        let fields: Fields = pairs.map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
        Delivery::read(on.clone(), &fields, Timestamp::UNIX_EPOCH, Interest::default()).unwrap()
    }

    #[test]
    fn event_leads_to_the_check_that_answers_it() {
        let (space, app) = (HookRef::space(SpaceId(5)), HookRef::app(LEAVERS));
        for (on, form, check) in [
            (&space, "type=hook.verify&hook_id=7&code=x", Check::Hooks),
            (&space, "type=member.add", Check::Arrivals(SpaceId(5), None)),
            (&space, "type=member.add&user_id=3&space_id=6", Check::Arrivals(SpaceId(5), Some(UserId(3)))),
            (&app, "type=member.add&space_id=6", Check::Arrivals(SpaceId(6), None)),
            (&app, "type=member.add", Check::NoSpace),
            (&space, "type=app.create&app_id=3&space_id=6", Check::Plans(SpaceId(5))),
            (&space, "type=space.create&space_id=6", Check::Plans(SpaceId(6))),
            (&space, "type=space.create", Check::Plans(SpaceId(5))),
            (&app, "type=item.update&item_id=9&item_revision_id=2", Check::Item(ItemId(9))),
            (&app, "type=item.delete", Check::NoItem),
            (&HookRef::app(AppId(56)), "type=item.update&item_id=9", Check::Nothing),
            (&space, "type=tag.add", Check::Nothing),
        ] {
            assert_eq!(Check::of(&delivery(on, form), Some(LEAVERS)), check, "{on} {form}");
        }
    }

    #[test]
    fn deliveries_of_one_check_are_answered_together() {
        let app = HookRef::app(LEAVERS);
        let forms = [
            "type=item.update&item_id=9&item_revision_id=1",
            "type=item.update&item_id=8",
            "type=item.delete&item_id=9",
        ];
        let found = checks(forms.map(|form| delivery(&app, form)).into(), Some(LEAVERS));
        let found: Vec<_> = found.into_iter().map(|(check, deliveries)| (check, deliveries.len())).collect();
        assert_eq!(found, [(Check::Item(ItemId(9)), 2), (Check::Item(ItemId(8)), 1)]);
    }
}
