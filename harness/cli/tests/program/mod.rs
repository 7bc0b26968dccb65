//! The program as the tests of its commands run it.
#![allow(dead_code, reason = "each test file uses its part")]
use std::fs;
use std::path::Path;
use std::process::Output;

use assert_cmd::cargo::cargo_bin_cmd;
use serde_json::Value;
use tempfile::TempDir;

/// The program in this folder, with an environment that does not depend on who runs the test.
pub(crate) fn peerbench(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = cargo_bin_cmd!("peerbench");
    command.args(arguments).current_dir(folder).env_clear().env("LANG", "C.UTF-8");
    command.output().unwrap()
}

/// What a command prints and says, and its exit code.
pub(crate) fn transcript(folder: &Path, arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = peerbench(folder, arguments);
    let text = [stdout, stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    let text: String = text.lines().map(|line| line.trim_end().to_owned() + "\n").collect();
    let code = status.code().unwrap();
    let command = ["$ peerbench", &arguments.join(" ")].join(" ");
    format!("{}\n{text}exit code {code}\n\n", command.trim_end())
}

/// The same of several, one after the other.
pub(crate) fn transcripts(folder: &Path, commands: &[&[&str]]) -> String {
    commands.iter().map(|arguments| transcript(folder, arguments)).collect()
}

/// What a command prints, which must not fail.
pub(crate) fn printed(folder: &Path, arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = peerbench(folder, arguments);
    assert!(status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

/// A folder with this file in it.
pub(crate) fn folder_with(file: &str, text: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join(file), text).unwrap();
    folder
}

/// The records of the folder's latest run.
pub(crate) fn records(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("reports/runs/latest/runs.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
