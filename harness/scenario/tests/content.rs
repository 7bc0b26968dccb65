//! Scenarios whose one item is real bytes: how large it is, which blob stands for it, and what a
//! person is told who names bytes that cannot be swarmed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fmt::Write as _;
use std::fs;

use miette::{GraphicalReportHandler, GraphicalTheme};
use overlay_core::units::Bytes;
use peerbench_scenario::{Document, World, builtin};

fn rendered(document: &Document) -> String {
    let error = document.scenario().unwrap_err();
    let mut text = String::new();
    // A folder's name differs from run to run, so no line may break because of its length.
    GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_width(1_000)
        .render_report(&mut text, &error)
        .unwrap();
    text.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

#[test]
fn the_item_is_as_large_as_its_content_and_its_blob_is_real() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bytes"), [7; 1_000]).unwrap();
    fs::write(folder.path().join("mine.yaml"), "workload: {items: 1, content: bytes}\n").unwrap();
    let scenario = Document::read(folder.path().join("mine.yaml")).unwrap().scenario().unwrap();
    assert_eq!(scenario.workload.item_size, Bytes(1_000), "found beside the scenario");
    let world = World::new(&scenario, 1).unwrap();
    let (item, _) = world.publishers().next().unwrap();
    assert_eq!((item.blob.real_offset(), item.blob.length), (Some(0), 1_000));

    let resolved = Document::parse("resolved", scenario.to_yaml()).unwrap();
    fs::write(folder.path().join("bytes"), [7; 10]).unwrap();
    assert!(resolved.scenario().is_err(), "the size is written out by now");
    assert_eq!(resolved.resolved().unwrap(), scenario, "and stays what it was");
}

#[test]
fn content_from_the_command_line_brings_its_size_along() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), [7; 1_000]).unwrap();
    let mut swarm = builtin("swarm").unwrap();
    swarm.set(&format!("workload.content={}", file.path().display())).unwrap();
    assert_eq!(swarm.scenario().unwrap().workload.item_size, Bytes(1_000));
    swarm.set("workload.item_size=999B").unwrap();
    assert!(swarm.scenario().is_err());
}

#[test]
fn mistakes_with_content() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("empty"), "").unwrap();
    fs::write(folder.path().join("bytes"), [7; 1_000]).unwrap();
    let huge = fs::File::create(folder.path().join("huge")).unwrap();
    huge.set_len(5 << 30).unwrap();
    let cases = [
        ("nothing there", "{items: 1, content: FOLDER/nothing}"),
        ("an empty file", "{items: 1, content: FOLDER/empty}"),
        ("too large", "{items: 1, content: FOLDER/huge}"),
        ("no file", "{items: 1, content: /dev/null}"),
        ("several items", "{content: FOLDER/bytes}"),
        ("another size", "{items: 1, item_size: 2KiB, content: FOLDER/bytes}"),
    ];
    let name = folder.path().to_str().unwrap();
    let mut shown = String::new();
    for (title, workload) in cases {
        let text = format!("workload: {}\n", workload.replace("FOLDER", name));
        let told = rendered(&Document::parse("mine.yaml", text).unwrap());
        let dashes = "─".repeat(name.chars().count());
        writeln!(shown, "=== {title}\n{}", told.replace(name, "FOLDER").replace(&dashes, "──────"))
            .unwrap();
    }
    insta::assert_snapshot!(shown);
}
