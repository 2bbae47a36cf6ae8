//! Unique identifiers made from the seed and a name.
//!
//! Form: `2.25.` and the decimal value of a UUID (PS3.5 B.2), so that no registered root is needed.

use crate::random::hash;

/// The UID of the thing called `name` in the world of `seed`.
pub fn uid(seed: u64, name: &str) -> String {
    let high = hash(seed, name);
    let low = hash(high, name);
    let bits = u128::from(high) << 64 | u128::from(low);
    // Version 8 (made by the application's own rule) and the variant of RFC 9562.
    let marked = bits & !(0xf << 76) & !(0x3 << 62) | 0x8 << 76 | 0x2 << 62;
    format!("2.25.{marked}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uids_are_short_enough_and_follow_seed_and_name() {
        let one = uid(1, "study");
        assert_eq!(one, uid(1, "study"));
        assert_ne!(one, uid(2, "study"));
        assert_ne!(one, uid(1, "series"));
        assert!(one.len() <= 44 && one.starts_with("2.25."));
        assert!(!one.starts_with("2.25.0"));
    }
}
