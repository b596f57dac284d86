use super::*;

#[test]
fn a_share_is_a_part_of_the_most_even_of_amounts_beyond_all_bounds() {
    assert_eq!(share(1, 2), 0.5);
    assert_eq!(share(0, 5), 0.0);
    assert_eq!(share(-3, 5), 0.0);
    assert_eq!(share(5, 0), 0.0);
    let much = i128::MAX / 2;
    assert!((share(much / 4, much) - 0.25).abs() < 0.001);
}
