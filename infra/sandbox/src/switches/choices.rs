//! The values each switch can take.

use serde::{Deserialize, Serialize};

use super::Domain;

/// Whatever a switch can be.
pub(super) trait Switchable {
    /// What there is to choose from.
    fn domain() -> Domain;
}

impl Switchable for u32 {
    fn domain() -> Domain {
        Domain::Number
    }
}

macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident),+ $(,)? })+) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl Switchable for $name {
            fn domain() -> Domain {
                Domain::of(&[$(Self::$variant),+])
            }
        }
    )+ };
}

choices! {
    /// Whether a route exists. An absent one answers 404 "No matching operation could be found."
    Route {
        /// The route exists.
        Offered,
        /// The route does not exist.
        Absent,
    }
    /// Whether an optional part of an answer is sent.
    Part {
        /// Sent.
        Present,
        /// Left out.
        Absent,
    }
    /// Which token endpoints exist and what they read.
    TokenEndpoints {
        /// `/oauth/token` (form) and `/oauth/token/v2` (JSON).
        Both,
        /// Only `/oauth/token`, form-encoded.
        Form,
        /// Only `/oauth/token/v2`, JSON.
        Json,
    }
    /// What a refresh does to the refresh token.
    RefreshRotation {
        /// The same refresh token comes back.
        Same,
        /// A new one comes back and the old one is dead.
        NewOldInvalid,
        /// A new one comes back and the old one still works.
        NewOldValid,
        /// None comes back; the old one stays good.
        NoneReturned,
    }
    /// What the password grant answers.
    PasswordGrant {
        /// Tokens.
        Tokens,
        /// A `server_nonce` instead of tokens, as for accounts with a second factor.
        SecondFactor,
    }
    /// Whether something is taken or turned down.
    Acceptance {
        /// Taken.
        Accepted,
        /// Turned down.
        Refused,
    }
    /// How a member object is laid out.
    MemberShape {
        /// `{user: {…}, profile: {…}, employee, role, …}`.
        Nested,
        /// `{user_id, role, profile}`, and `last_seen_on` and `avatar` on the user.
        Flat,
    }
    /// Which key holds the person in a v2 space member.
    SpaceMemberPerson {
        /// `user`, as the reference says.
        User,
        /// `profile`, as the Java client maps it.
        Profile,
    }
    /// How a user's mail is given.
    MailShape {
        /// A string.
        String,
        /// An array of `{type, mail}`.
        Array,
    }
    /// How times are written.
    DateFormat {
        /// `YYYY-MM-DD HH:MM:SS`, UTC.
        Podio,
        /// ISO 8601 with a `Z`.
        Iso8601,
    }
    /// What happens to a `limit` above the maximum.
    OverMax {
        /// The maximum is used.
        Clamp,
        /// 400 `invalid_value`.
        Refuse,
    }
    /// Whether the server searches by `query=`.
    QueryParameter {
        /// It filters.
        Honoured,
        /// It is ignored: everybody comes back.
        Ignored,
    }
    /// What GET says about a membership that has ended.
    EndedMembership {
        /// 404 "Object not found".
        NotFound,
        /// 403 `forbidden`.
        Forbidden,
        /// 200 with `ended_on`.
        Ended,
    }
    /// What a write without a result answers.
    WriteAnswer {
        /// 204, empty.
        NoContent,
        /// 200 and `{}`.
        EmptyObject,
        /// 200 and nothing.
        EmptyBody,
    }
    /// What a second DELETE of the same membership answers.
    SecondDelete {
        /// 404 "Object not found".
        NotFound,
        /// 403 `forbidden`.
        Forbidden,
        /// As if it had been the first.
        NoContent,
    }
    /// Whether `{user_ids}` may be a comma list.
    PluralIds {
        /// A comma list works; who is not a member is passed over.
        Accepted,
        /// A comma list works if everybody in it is a member, else 404 "Object not found".
        AllMembers,
        /// A comma list is read as the number it begins with.
        FirstOnly,
        /// 400 `invalid_value`.
        InvalidValue,
        /// 404 "No matching operation could be found."
        NoOperation,
    }
    /// Whether something is permitted.
    Permission {
        /// Permitted.
        Allowed,
        /// 403 `forbidden`.
        Forbidden,
    }
    /// What removing somebody from their last regular space does to their org membership.
    LastSpaceRemoval {
        /// They stay a member of the organization.
        KeepsOrgMembership,
        /// The org membership ends too (org admins stay).
        EndsOrgMembership,
    }
    /// What happens when the last org admin is to be removed.
    LastOrgAdmin {
        /// 403 `forbidden`.
        RefusedForbidden,
        /// 409 `conflict`.
        RefusedConflict,
        /// They are removed.
        Allowed,
    }
    /// What happens when a space's last admin is removed from that space while others remain.
    LastSpaceAdmin {
        /// 403 `forbidden`.
        Refused,
        /// They are removed and nobody is admin.
        Allowed,
        /// They are removed and others are promoted.
        Promotes,
    }
    /// Who becomes admin when a space loses its last one.
    Promotion {
        /// The member who has been there longest.
        LongestMember,
        /// Every remaining member.
        Everybody,
    }
    /// What an org DELETE does to the leaver's spaces.
    OrgDelete {
        /// Ends every space membership, promotes others, deletes spaces nobody else is in.
        EndsSpaces,
        /// Leaves the spaces alone.
        KeepsSpaces,
    }
    /// How the lists of `end_member_info` relate.
    PreviewLists {
        /// `to_remove` names every space; the others repeat some of them.
        Overlapping,
        /// Each space is in one list.
        Disjoint,
    }
    /// The employee network, a space of type `emp_network` that everybody is in.
    EmployeeNetwork {
        /// The organization has none.
        None,
        /// An org DELETE ends it like any other space.
        Ended,
        /// It survives an org DELETE as a left-over membership.
        Survives,
    }
    /// Whether names of spaces that the asking org admin is not in are shown.
    ForeignSpaceNames {
        /// Name and URL are left out.
        Hidden,
        /// They are shown.
        Shown,
    }
    /// Which spaces `/org/{id}/space/` lists.
    OrgSpaces {
        /// All of the organization.
        All,
        /// Only those the caller is in.
        Own,
    }
    /// What a deleted space or item answers.
    DeletedObject {
        /// 404 `not_found`.
        NotFound,
        /// 410 `gone`.
        Gone,
    }
    /// How a 420 tells how long to wait.
    RateLimitWait {
        /// `Retry-After: N`.
        Header,
        /// "Please wait N seconds" in the description.
        Text,
        /// `Retry-After` with an HTTP date.
        HttpDate,
        /// Not at all.
        Untold,
    }
    /// Whose calls are counted together.
    QuotaKey {
        /// One count for each pair of API key and user.
        ClientAndUser,
        /// One count for each API key.
        Client,
        /// One count for everybody.
        Everybody,
    }
    /// Which routes the lower ceiling counts, when there are two.
    HeavyRoutes {
        /// Every route about members.
        Members,
        /// Only DELETEs of memberships.
        Removals,
    }
    /// What an exhausted ceiling blocks, when there are two.
    Exhaustion {
        /// Every call of the key.
        BlocksAll,
        /// Only calls that the ceiling counts.
        BlocksBucket,
    }
    /// What calls made while blocked cost.
    RejectedCalls {
        /// Nothing.
        Free,
        /// The block starts anew.
        Extend,
    }
    /// The language of error descriptions.
    ErrorLanguage {
        /// English.
        English,
        /// The account's (German), unless `Accept-Language` asks for English.
        Localised,
    }
    /// When a verification is delivered.
    HookVerification {
        /// On creation and on request.
        OnCreate,
        /// Only on request.
        OnRequest,
    }
    /// Whether a space tells who comes and goes.
    MemberEvents {
        /// `member.add` and `member.remove` with `user_id`.
        WithUser,
        /// The same, without a word of whom they are about.
        WithoutUser,
        /// There are no such events.
        Absent,
    }
    /// How often one delivery is sent.
    DeliveryCopies {
        /// Once.
        One,
        /// Twice, with nothing to tell the copies apart.
        Two,
    }
    /// The order in which the events of one second arrive.
    DeliveryOrder {
        /// Each at once and on its own: nobody waits, and none is promised to be first.
        AtOnce,
        /// One after the other, as things happened. A slow receiver keeps everybody waiting.
        InOrder,
        /// Held until the second is over, then the last first, one after the other.
        Reversed,
        /// Held until the second is over, then in an order that the seed decides, one after the other.
        Shuffled,
    }
}
