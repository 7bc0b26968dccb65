//! Who knows whom, from an edge list: one edge a line, two node numbers apart by blanks or a tab.
//! Lines that begin with `#` are comments. It is how the Stanford Large Network Dataset Collection
//! writes its snapshots of Gnutella (`p2p-Gnutella08.txt`).
//!
//! Nodes are renumbered from 0 in the order of their numbers in the file, without gaps.
use std::collections::BTreeSet;

use overlay_core::{Graph, NodeId};

use crate::network::Unusable;

/// Reads the graph in a file.
pub(crate) fn read(path: &str) -> Result<Graph, Unusable> {
    let text = std::fs::read_to_string(path).map_err(|error| Unusable {
        message: format!("cannot read the graph `{path}`: {error}"),
        help: "name a file by its path from the working directory or from the scenario's folder",
        position: None,
    })?;
    parse(&text).map_err(|(message, line, column)| Unusable {
        message,
        help: "an edge list has two node numbers a line, such as `0 1`; `#` begins a comment",
        position: Some((path.to_owned(), line, column)),
    })
}

/// The graph, or what is wrong at which line and column.
fn parse(text: &str) -> Result<Graph, (String, usize, usize)> {
    let mut edges = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim_start().starts_with('#') || line.trim().is_empty() {
            continue;
        }
        let mut fields = line.split_ascii_whitespace().map(|field| {
            let column = field.as_ptr() as usize - line.as_ptr() as usize + 1;
            let node: Result<u32, _> = field.parse();
            node.map_err(|_| (format!("`{field}` is not the number of a node"), number, column))
        });
        let mut end = || {
            let message = "an edge has two ends".to_owned();
            fields.next().unwrap_or(Err((message, number, line.len() + 1)))
        };
        edges.push((end()?, end()?));
    }
    if edges.is_empty() {
        return Err(("there is no edge in it".to_owned(), 1, 1));
    }
    let known: BTreeSet<u32> = edges.iter().flat_map(|&(a, b)| [a, b]).collect();
    let known: Vec<u32> = known.into_iter().collect();
    let dense = |node| NodeId(known.partition_point(|&other| other < node) as u32);
    let edges: Vec<_> = edges.into_iter().map(|(a, b)| (dense(a), dense(b))).collect();
    Ok(Graph::of(known.len() as u32, &edges))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_gaps_are_skipped_and_direction_is_forgotten() {
        let graph = parse("# From\tTo\n0\t7\n7 0\r\n\n 7  9\n").unwrap();
        assert_eq!((graph.nodes(), graph.edges()), (3, 2));
        assert_eq!(graph.neighbors(NodeId(1)), [NodeId(0), NodeId(2)]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let wrong = |text| parse(text).unwrap_err();
        assert_eq!(wrong("0 1\n2 x\n"), ("`x` is not the number of a node".to_owned(), 2, 3));
        assert_eq!(wrong("0\n"), ("an edge has two ends".to_owned(), 1, 2));
        assert_eq!(wrong("# nothing\n").0, "there is no edge in it");
    }

    #[test]
    fn the_real_gnutella_graph_reads() {
        let path =
            format!("{}/../../../shared/data/p2p-Gnutella08.txt", env!("CARGO_MANIFEST_DIR"));
        if !std::path::Path::new(&path).exists() {
            eprintln!("SKIPPED: p2p-Gnutella08.txt is not there, so nothing was tested");
            return;
        }
        let graph = read(&path).unwrap();
        assert_eq!((graph.nodes(), graph.edges()), (6_301, 20_777));
    }
}
