//! Comparing mail addresses.

/// Whether two addresses name the same mailbox for our purposes: equal but for ASCII case and surrounding blanks.
///
/// No dots are dropped and no `+tag` is cut: guessing that two accounts are one would remove the wrong person.
pub fn same(left: &str, right: &str) -> bool {
    let (left, right) = (left.trim(), right.trim());
    !left.is_empty() && left.eq_ignore_ascii_case(right)
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn only_case_and_surrounding_blanks_are_forgiven() {
        assert!(same(" Jane@Example.com", "jane@example.COM "));
        assert!(!same("jane+x@example.com", "jane@example.com"));
        assert!(!same("ja.ne@example.com", "jane@example.com"));
        assert!(!same("", " "));
    }
}
