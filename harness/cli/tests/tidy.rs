//! What a formatter cannot check: sizes, first lines, forbidden words, who depends on whom, and
//! that what is written about the project is true of its files.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use assert_cmd::cargo::cargo_bin_cmd;
use serde_json::Value;

/// The most lines of a file.
const LONGEST_FILE: usize = 600;
/// The most lines of a function, from `fn` to its closing brace.
const LONGEST_FUNCTION: usize = 60;

/// What source may not say. In two parts each, so that this file does not say it.
const UNFINISHED: [&str; 3] = [concat!("to", "do!("), concat!("unimple", "mented!("), DEBUG];
const DEBUG: &str = concat!("db", "g!(");
/// Where only one machine has files.
const MACHINES: [&str; 4] = [
    concat!("/wo", "rk/"),
    concat!("/tmp/", "target"),
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
];

/// Folders and files that are made rather than written.
const MADE: [&str; 3] = [".git", "target", "reports/runs"];

/// A text file of the project.
struct File {
    /// From the root, with slashes.
    path: String,
    text: String,
}

impl File {
    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether it is compiled for tests and benches alone.
    fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.path.contains("/benches/")
    }

    /// Its lines up to the tests in it, numbered from 1.
    fn lines_outside_tests(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines()).take_while(|(_, line)| *line != "#[cfg(test)]")
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every text file of the project, by path.
fn files() -> Vec<File> {
    let mut files = Vec::new();
    collect(&root(), "", &mut files);
    assert!(files.iter().filter(|file| file.is_rust()).count() > 50, "the sources are not there");
    files
}

fn collect(folder: &Path, path: &str, to: &mut Vec<File>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = format!("{path}{}", entry.file_name().to_string_lossy());
        if MADE.contains(&path.as_str()) {
            continue;
        }
        if entry.path().is_dir() {
            collect(&entry.path(), &format!("{path}/"), to);
        } else if let Ok(text) = fs::read_to_string(entry.path()) {
            to.push(File { path, text });
        }
    }
}

fn rust_files() -> impl Iterator<Item = File> {
    files().into_iter().filter(File::is_rust)
}

/// Fails with every complaint, not with the first alone.
fn none(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn files_are_short_and_say_first_what_they_are() {
    let mut complaints = Vec::new();
    for File { path, text } in rust_files() {
        let lines = text.lines().count();
        if lines > LONGEST_FILE {
            complaints.push(format!("{path}: {lines} lines, more than {LONGEST_FILE}"));
        }
        if !text.starts_with("//! ") {
            complaints.push(format!("{path}:1: does not open with `//!` and what it is"));
        }
    }
    none(complaints);
}

#[test]
fn functions_are_short() {
    let mut complaints = Vec::new();
    for File { path, text } in rust_files() {
        for (line, length) in functions(&text) {
            if length > LONGEST_FUNCTION {
                complaints.push(format!("{path}:{line}: a function of {length} lines"));
            }
        }
    }
    none(complaints);
}

/// The first line, from 1, and the number of lines of every function. Formatted source has the
/// closing brace where the function's own indentation is, and nowhere before.
fn functions(text: &str) -> Vec<(usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let begins = |line: &str| {
        let mut words = line.split_whitespace().filter(|word| !word.starts_with("pub"));
        words.by_ref().find(|word| !["const", "async", "unsafe"].contains(word)) == Some("fn")
    };
    let ends = |line: &str, indent: &str| {
        let own = line.strip_prefix(indent).filter(|own| !own.starts_with(' '));
        own.is_some_and(|own| own == "}" || own.ends_with(['}', ';']))
    };
    let of_function = |(first, line): (usize, &&str)| {
        let indent = &line[..line.len() - line.trim_start().len()];
        let length = lines[first..].iter().position(|line| ends(line, indent))? + 1;
        begins(line).then_some((first + 1, length))
    };
    lines.iter().enumerate().filter_map(of_function).collect()
}

#[test]
fn lengths_of_functions_are_counted() {
    let text = "
pub(crate) const fn one(
    a: u8,
) -> u8 {
    match a {
        _ => a,
    }
}

trait Two {
    fn declared(&self);
    async fn given(&self) {}
}
";
    assert_eq!(functions(text), [(2, 7), (11, 1), (12, 1)]);
}

#[test]
fn nothing_is_unfinished_and_nothing_unwraps_outside_tests() {
    let mut complaints = Vec::new();
    for file in rust_files() {
        for (number, line) in (1..).zip(file.text.lines()) {
            if let Some(word) = UNFINISHED.iter().find(|word| line.contains(**word)) {
                complaints.push(format!("{}:{number}: {word}", file.path));
            }
        }
        if file.is_test() {
            continue;
        }
        let unwraps = file.lines_outside_tests().filter(|(_, line)| line.contains(".unwrap()"));
        complaints.extend(unwraps.map(|(number, _)| format!("{}:{number}: unwrap", file.path)));
    }
    none(complaints);
}

#[test]
fn tests_come_last_in_their_file() {
    let mut complaints = Vec::new();
    for file in rust_files().filter(|file| !file.is_test()) {
        let mut rest = file.text.lines().skip_while(|line| *line != "#[cfg(test)]").skip(2);
        if rest.by_ref().skip_while(|line| *line != "}").nth(1).is_some() {
            complaints.push(format!("{}: something follows the tests", file.path));
        }
    }
    none(complaints);
}

#[test]
fn no_file_names_places_of_one_machine() {
    let mut complaints = Vec::new();
    for File { path, text } in files() {
        for (number, line) in (1..).zip(text.lines()) {
            if let Some(place) = MACHINES.iter().find(|place| line.contains(**place)) {
                complaints.push(format!("{path}:{number}: {place}"));
            }
        }
    }
    none(complaints);
}

/// A crate of the workspace.
struct Package {
    name: String,
    /// Its folder, from the root.
    folder: String,
    dependencies: Vec<Dependency>,
}

struct Dependency {
    name: String,
    /// Whether only tests and benches need it.
    is_for_tests: bool,
    is_of_the_project: bool,
}

/// Every crate, as Cargo itself reads them.
fn packages() -> Vec<Package> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let package = |package: &Value| {
        let manifest = PathBuf::from(text(&package["manifest_path"]));
        let folder = manifest.parent().unwrap().strip_prefix(root()).unwrap();
        let dependency = |dependency: &Value| Dependency {
            name: text(&dependency["name"]),
            is_for_tests: dependency["kind"] == "dev",
            is_of_the_project: !dependency["path"].is_null(),
        };
        Package {
            name: text(&package["name"]),
            folder: folder.to_str().unwrap().to_owned(),
            dependencies: package["dependencies"]
                .as_array()
                .unwrap()
                .iter()
                .map(dependency)
                .collect(),
        }
    };
    metadata["packages"].as_array().unwrap().iter().map(package).collect()
}

impl Package {
    fn is_overlay(&self) -> bool {
        self.folder.starts_with("overlays/") && self.name != "overlay-core"
    }
}

#[test]
fn dependencies_go_one_way() {
    let packages = packages();
    let overlays: Vec<_> =
        packages.iter().filter(|it| it.is_overlay()).map(|it| &it.name).collect();
    assert!(!overlays.is_empty(), "no overlays");
    let mut complaints = Vec::new();
    for package in &packages {
        for Dependency { name, is_for_tests, is_of_the_project } in &package.dependencies {
            let is_wrong = match name.as_str() {
                "libp2p" | "tokio" => package.folder != "harness/testbed",
                _ if *is_for_tests => false,
                "peerbench-testbed" => package.folder != "harness/cli",
                name if package.folder.starts_with("overlays/") => {
                    *is_of_the_project && name != "overlay-core"
                }
                _ => overlays.contains(&name) && package.folder != "harness/cli",
            };
            if is_wrong {
                complaints.push(format!("{} depends on {name}", package.folder));
            }
        }
    }
    none(complaints);
}

#[test]
fn drivers_and_reports_name_no_overlay() {
    let names: Vec<String> = packages()
        .into_iter()
        .filter(Package::is_overlay)
        .map(|package| package.name.trim_start_matches("overlay-").to_owned())
        .collect();
    let mut complaints = Vec::new();
    for file in rust_files() {
        let folders = ["harness/simulator/src", "harness/testbed/src", "reports/src"];
        if !folders.iter().any(|folder| file.path.starts_with(folder)) {
            continue;
        }
        for (number, line) in file.lines_outside_tests() {
            let code = line.split("//").next().unwrap_or("").to_lowercase();
            if let Some(name) = names.iter().find(|name| code.contains(name.as_str())) {
                complaints.push(format!("{}:{number}: {name}", file.path));
            }
        }
    }
    none(complaints);
}

#[test]
fn crates_and_scenarios_are_on_the_map() {
    let map = read("ARCHITECTURE.md");
    let mut complaints = Vec::new();
    for Package { name, folder, .. } in packages() {
        if !map.contains(&format!("| `{folder}` | `{name}` |")) {
            complaints.push(format!("ARCHITECTURE.md does not have {folder}, {name}"));
        }
    }
    for entry in fs::read_dir(root().join("configs")).unwrap().flatten() {
        let slash = if entry.path().is_dir() { "/" } else { "" };
        let name = format!("{}{slash}", entry.file_name().to_str().unwrap());
        if !map.contains(&format!("`{name}`")) {
            complaints.push(format!("ARCHITECTURE.md does not have configs/{name}"));
        }
    }
    none(complaints);
}

#[test]
fn every_scenario_in_configs_is_sound_and_listed() {
    let output = cargo_bin_cmd!("peerbench").args(["list", "scenarios"]).output().unwrap();
    let listed = String::from_utf8(output.stdout).unwrap();
    let configs = files().into_iter().filter(|file| file.path.starts_with("configs/"));
    let configs = configs.filter(|file| !file.path.starts_with("configs/lessons/"));
    let scenarios =
        configs.filter(|it| it.path.ends_with(".yaml") && !it.path.ends_with("expectations.yaml"));
    let mut complaints = Vec::new();
    for File { path, .. } in scenarios {
        let file = root().join(&path);
        let name = file.file_stem().unwrap().to_str().unwrap();
        if !listed.lines().any(|line| line.split(' ').next() == Some(name)) {
            complaints.push(format!("{path}: `list scenarios` does not know it"));
        }
        let mut check = cargo_bin_cmd!("peerbench");
        let output = check.args(["config", "check", "--scenario"]).arg(&file).output().unwrap();
        if !output.status.success() {
            complaints.push(format!("{path}: {}", String::from_utf8_lossy(&output.stderr)));
        }
    }
    none(complaints);
}

#[test]
fn every_lesson_in_configs_is_listed() {
    let output = cargo_bin_cmd!("peerbench").args(["list", "lessons"]).output().unwrap();
    let listed = String::from_utf8(output.stdout).unwrap();
    let names: Vec<&str> = listed.lines().filter_map(|line| line.split(' ').next()).collect();
    let lessons = files().into_iter().filter(|file| file.path.starts_with("configs/lessons/"));
    let complaints = lessons.filter_map(|File { path, .. }| {
        let name = Path::new(&path).file_stem()?.to_str()?.to_owned();
        (!names.contains(&&*name)).then(|| format!("{path}: `list lessons` does not know it"))
    });
    none(complaints.collect());
}

#[test]
fn the_schema_for_editors_is_the_program_s() {
    let output = cargo_bin_cmd!("peerbench").args(["config", "schema"]).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed == read("configs/scenario.schema.json"), "run `just schema`");
}

#[test]
fn the_changelog_has_this_version() {
    let entry = format!("## {}", env!("CARGO_PKG_VERSION"));
    assert!(read("CHANGELOG.md").lines().any(|line| line.starts_with(&entry)), "no `{entry}`");
}
