//! That the commands which CI runs are ones that this program knows, and that its jobs may do no more
//! than they must.
use std::fs;
use std::path::Path;

use clap::Parser as _;
use serde_yaml::Value;

use crate::arguments::Arguments;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The shell scripts of a workflow.
fn scripts(workflow: &Value) -> Vec<String> {
    match workflow {
        Value::Mapping(entries) => entries
            .iter()
            .flat_map(|(name, value)| match (name.as_str(), value.as_str()) {
                (Some("run"), Some(script)) => vec![script.to_owned()],
                _ => scripts(value),
            })
            .collect(),
        Value::Sequence(values) => values.iter().flat_map(scripts).collect(),
        _ => Vec::new(),
    }
}

/// The words of a command up to where the shell does something with it; the one variable that is a
/// number is some number.
fn words(command: &str) -> Vec<String> {
    let is_argument = |word: &&str| !["||", "&&", "|", ";", ">", ">>"].contains(word);
    let words = command.split_whitespace().take_while(is_argument);
    words.map(|word| word.trim_matches(['"', '\'']).replace("$seed", "7")).collect()
}

/// What a line of a script gives to this program: by Cargo, or by a recipe of the justfile.
fn arguments(line: &str) -> Option<Vec<String>> {
    for cargo in ["cargo run --release --quiet -- ", "cargo run --release -- "] {
        if let Some((_, arguments)) = line.split_once(cargo) {
            return Some(words(arguments));
        }
    }
    let recipe = words(line.trim_start().strip_prefix("just ")?);
    let (name, given) = recipe.split_first()?;
    let justfile = read("justfile");
    let is_header = |line: &&str| line.split([' ', ':']).next() == Some(name);
    let mut body = justfile.lines().skip_while(|line| !is_header(line)).skip(1);
    let body = body.next().unwrap_or_else(|| panic!("the justfile has no recipe {name}"));
    let verb = body.trim().strip_prefix("{{ peerbench }} ")?.split_whitespace();
    let fixed = verb.filter(|word| !word.contains(['{', '}'])).map(str::to_owned);
    Some(fixed.chain(given.iter().cloned()).collect())
}

#[test]
fn the_commands_of_ci_are_ones_that_this_program_knows() {
    let mut texts = vec![read(".ci/run")];
    for entry in fs::read_dir(root().join(".github/workflows")).expect("there are some").flatten() {
        let path = format!(".github/workflows/{}", entry.file_name().to_string_lossy());
        let workflow = serde_yaml::from_str(&read(&path));
        texts.extend(scripts(&workflow.unwrap_or_else(|error| panic!("{path}: {error}"))));
    }
    let mut verbs = Vec::new();
    for text in texts {
        for line in text.replace("\\\n", " ").lines() {
            let Some(given) = arguments(line) else { continue };
            let words = std::iter::once("peerbench".to_owned()).chain(given.iter().cloned());
            if let Err(error) = Arguments::try_parse_from(words) {
                panic!("{line}: {error}");
            }
            verbs.push(given[0].clone());
        }
    }
    for verb in ["regress", "gate", "bench"] {
        assert!(verbs.iter().any(|it| it == verb), "{verbs:?}");
    }
}

#[test]
fn actions_are_pinned_and_jobs_are_bounded_and_may_do_little() {
    for name in ["ci", "regression"] {
        let text = read(&format!(".github/workflows/{name}.yml"));
        for (_, used) in text.lines().filter_map(|line| line.split_once("uses: ")) {
            let (action, _) = used.split_once(" # v").expect("its version is said");
            let (_, commit) = action.split_once('@').expect("a revision");
            let is_commit = commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit());
            assert!(is_commit, "{action}");
        }
        let workflow: Value = serde_yaml::from_str(&text).expect("it is YAML");
        assert!(workflow.get("permissions").is_some() && workflow.get("concurrency").is_some());
        let jobs = workflow.get("jobs").and_then(Value::as_mapping).expect("jobs");
        for job in jobs.values() {
            assert!(job.get("timeout-minutes").is_some(), "{name}");
            // What builds a change may not write, and what writes builds nothing.
            let writes = job.get("permissions").is_some_and(|it| {
                it.as_mapping().is_some_and(|it| it.values().any(|it| it.as_str() == Some("write")))
            });
            assert!(!writes || scripts(job).is_empty(), "{name}");
        }
    }
}
