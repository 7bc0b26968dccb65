//! `peerbench doctor` on the machine that runs this test, whatever that is like.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]
use assert_cmd::Command;

#[test]
fn this_machine_is_examined_and_cannot_carry_a_billion_nodes() {
    let output = Command::new(assert_cmd::cargo::cargo_bin!("peerbench"))
        .args(["doctor", "--nodes", "1000000000"])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    for looked_at in ["other work", "open files", "wake-ups", "round trip, paced", "trial run"] {
        assert!(said.contains(looked_at), "{looked_at}:\n{said}");
    }
    assert!(said.lines().any(|line| line.starts_with("unfit") && line.contains("open files")));
    assert!(said.ends_with("simulator's are exact anywhere.\n"), "{said}");
}
