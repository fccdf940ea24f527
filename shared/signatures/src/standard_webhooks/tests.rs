use proptest::prelude::*;

use super::*;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const SENT_AT: i64 = 1_614_265_330;
const BODY: &[u8] = br#"{"test": 2432232314}"#;
const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

fn secret() -> Secret {
    SECRET.parse().unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

const NEW: &str = "whsec_bmV3IHNlY3JldCBvZiB0d2VudHkgZm91ciBieXRlcw==";

fn senders(entries: &[&str]) -> Senders {
    Senders::parse(entries.iter().copied()).unwrap()
}

/// Verifies the published message with another signature header, at another time.
fn check(entries: &[&str], signature: &str, now: i64) -> Result<(), Rejection> {
    let timestamp = SENT_AT.to_string();
    let headers = Headers {
        id: Some(ID.as_bytes()),
        timestamp: Some(timestamp.as_bytes()),
        signature: Some(signature.as_bytes()),
    };
    senders(entries).verify(headers, BODY, at(now)).map(|_| ())
}

#[test]
fn the_published_example_verifies_and_is_what_we_would_sign() {
    assert_eq!(check(&[SECRET], SIGNATURE, SENT_AT), Ok(()));
    assert_eq!(sign(&secret(), ID, at(SENT_AT), BODY), SIGNATURE);
}

#[test]
fn either_side_can_rotate_its_secret() {
    let new: Secret = NEW.parse().unwrap();
    assert_eq!(check(&[NEW, SECRET], SIGNATURE, SENT_AT), Ok(()), "we know both");
    let both = format!("{} {SIGNATURE}", sign(&new, ID, at(SENT_AT), BODY));
    assert_eq!(check(&[SECRET], &both, SENT_AT), Ok(()), "the sender signs with both");
    assert_eq!(check(&[NEW], SIGNATURE, SENT_AT), Err(Rejection::Mismatch));
    assert_eq!(check(&[], SIGNATURE, SENT_AT), Err(Rejection::Mismatch), "no secret, no entry");
}

#[test]
fn signatures_of_other_versions_are_passed_over() {
    let mixed = format!("v1a,AAAA v2,BBBB  {SIGNATURE} garbage");
    assert_eq!(check(&[SECRET], &mixed, SENT_AT), Ok(()));
    let bare = SIGNATURE.trim_start_matches("v1,");
    for useless in ["", " ", "v1", "v1,", "v1,!!!", "v1,AAAA", "v1a,AAAA", bare] {
        assert_eq!(check(&[SECRET], useless, SENT_AT), Err(Rejection::Malformed), "{useless:?}");
    }
}

#[test]
fn five_minutes_either_way_and_not_a_second_more() {
    for (now, expected) in [
        (SENT_AT + 300, Ok(())),
        (SENT_AT - 300, Ok(())),
        (SENT_AT + 301, Err(Rejection::Stale)),
        (SENT_AT - 301, Err(Rejection::Stale)),
    ] {
        assert_eq!(check(&[SECRET], SIGNATURE, now), expected, "{}", now - SENT_AT);
    }
}

#[test]
fn headers_joined_by_a_gateway_hold_every_signature() {
    let other = format!("v1,{}", BASE64.encode([7; 32]));
    for joined in [
        format!("{other} {SIGNATURE}"),
        format!("{other},{SIGNATURE}"),
        format!("{SIGNATURE}, {other}"),
        format!("v1a,AAAA,{SIGNATURE}"),
        format!("v1 {SIGNATURE}"),
    ] {
        assert_eq!(check(&[SECRET], &joined, SENT_AT), Ok(()), "{joined}");
    }
    let bare = SIGNATURE.trim_start_matches("v1,");
    for wrong in [format!("{other},{other}"), format!("v2,{bare}"), format!("v1a,{bare}"), bare.to_owned()] {
        assert!(check(&[SECRET], &wrong, SENT_AT).is_err(), "{wrong}");
    }
}

#[test]
fn each_missing_header_is_missed() {
    let whole = Headers { id: Some(b"a"), timestamp: Some(b"1"), signature: Some(SIGNATURE.as_bytes()) };
    for headers in [
        Headers { id: None, ..whole },
        Headers { timestamp: None, ..whole },
        Headers { signature: None, ..whole },
        Headers::default(),
    ] {
        assert_eq!(senders(&[SECRET]).verify(headers, BODY, at(1)), Err(Rejection::Missing));
    }
    assert_eq!(senders(&[SECRET]).verify(Headers { id: Some(b""), ..whole }, BODY, at(1)), Err(Rejection::Malformed));
}

#[test]
fn a_time_is_digits_and_nothing_else() {
    let too_long = "9".repeat(40);
    for time in ["", "now", "+1614265330", " 1614265330", "1614265330.5", "-1", "0x1", &too_long] {
        let headers = Headers {
            id: Some(ID.as_bytes()),
            timestamp: Some(time.as_bytes()),
            signature: Some(SIGNATURE.as_bytes()),
        };
        assert_eq!(senders(&[SECRET]).verify(headers, BODY, at(SENT_AT)), Err(Rejection::Malformed), "{time:?}");
    }
}

#[test]
fn a_secret_is_base64_behind_its_prefix_and_is_not_printed() {
    for text in ["", "whsec_", "whsec_!!", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "WHSEC_MfKQ", "whsec_MfKQ\n9r8G"] {
        assert_eq!(text.parse::<Secret>().err(), Some(NotASecret), "{text:?}");
    }
    assert!("whsec_c2hvcnQ".parse::<Secret>().is_ok(), "padding may be left out");
    assert_eq!(format!("{:?}", secret()), "Secret(…)");
}

#[test]
fn a_signature_tells_its_sender() {
    let new: Secret = NEW.parse().unwrap();
    let ask = |entries: &[&str], secret: &Secret| {
        let (timestamp, signature) = (SENT_AT.to_string(), sign(secret, ID, at(SENT_AT), BODY));
        let headers = Headers {
            id: Some(ID.as_bytes()),
            timestamp: Some(timestamp.as_bytes()),
            signature: Some(signature.as_bytes()),
        };
        senders(entries).verify(headers, BODY, at(SENT_AT)).map(str::to_owned)
    };
    let named = format!(" hr : {NEW} ");
    assert_eq!(ask(&[SECRET, &named], &secret()), Ok("default".to_owned()));
    assert_eq!(ask(&[SECRET, &named], &new), Ok("hr".to_owned()));
    let both = [format!("hr:{SECRET}"), format!("hr:{NEW}")];
    assert_eq!(ask(&[&both[0], &both[1]], &new), Ok("hr".to_owned()), "a name may have several secrets");
}

#[test]
fn a_bad_entry_is_named_by_number_and_not_repeated() {
    let problem = |entries: &[&str]| {
        let bad = Senders::parse(entries.iter().copied()).unwrap_err();
        assert!(!bad.to_string().contains("MfKQ") && !bad.to_string().contains('\n'), "{bad}");
        (bad.number, bad.problem)
    };
    let unpadded = NEW.trim_end_matches('=');
    assert_eq!(problem(&[NEW, SECRET, unpadded]), (3, EntryProblem::Repeated), "the same key, written differently");
    assert_eq!(problem(&[SECRET, &format!("hr:{SECRET}")]), (2, EntryProblem::Repeated));
    assert!(matches!(problem(&["whsec_c2hvcnQ="]).1, EntryProblem::Short(_)));
    assert!(matches!(problem(&[SECRET, "hush"]), (2, EntryProblem::Malformed(_))));
    assert_eq!(problem(&[&format!("h r:{SECRET}")]), (1, EntryProblem::BadName));
    assert!(matches!(problem(&[&format!("hr:admin:{SECRET}")]).1, EntryProblem::Malformed(_)));
}

proptest! {
    /// Whatever was signed verifies, and a change of one bit anywhere in what was signed does not.
    #[test]
    fn any_flipped_bit_is_noticed(
        key in prop::collection::vec(any::<u8>(), 24..64),
        id in "[!-~]{1,40}",
        body in prop::collection::vec(any::<u8>(), 0..200),
        at_bit in any::<prop::sample::Index>(),
    ) {
        let text = format!("whsec_{}", BASE64.encode(key));
        let (secret, senders) = (text.parse::<Secret>().unwrap(), senders(&[&text]));
        let mac = BASE64.decode(&sign(&secret, &id, at(SENT_AT), &body)[3..]).unwrap();
        let timestamp = SENT_AT.to_string().into_bytes();
        let parts = [id.into_bytes(), timestamp, body, mac];
        let ask = |parts: &[Vec<u8>; 4]| {
            let signature = format!("v1,{}", BASE64.encode(&parts[3]));
            let headers = Headers {
                id: Some(&parts[0]), timestamp: Some(&parts[1]), signature: Some(signature.as_bytes()),
            };
            senders.verify(headers, &parts[2], at(SENT_AT)).map(|_| ())
        };
        prop_assert_eq!(ask(&parts), Ok(()));

        let mut changed = parts.clone();
        let mut bit = at_bit.index(parts.iter().map(Vec::len).sum::<usize>() * 8);
        let part = changed.iter_mut().find(|part| {
            let here = bit < part.len() * 8;
            if !here { bit -= part.len() * 8; }
            here
        }).unwrap();
        part[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(ask(&changed).is_err());
    }

    #[test]
    fn no_headers_panic_or_verify(
        id in prop::collection::vec(any::<u8>(), 0..50),
        timestamp in prop_oneof![prop::collection::vec(any::<u8>(), 0..30), Just(SENT_AT.to_string().into_bytes())],
        signature in prop_oneof![prop::collection::vec(any::<u8>(), 0..90), "v1,[A-Za-z0-9+/]{43}=".prop_map(String::into_bytes)],
        now in -3_000_000_000i64..3_000_000_000,
    ) {
        let headers = Headers { id: Some(&id), timestamp: Some(&timestamp), signature: Some(&signature) };
        prop_assert!(senders(&[SECRET]).verify(headers, BODY, at(now)).is_err());
    }
}
