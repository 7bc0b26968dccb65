//! When real nodes were there, from a trace: a line a node, with its name, the number of its sessions,
//! and the begin and end of each in seconds.
use std::time::Duration;

use crate::network::Unusable;

/// The sessions of real nodes.
#[derive(Clone, Debug)]
pub(crate) struct Availability {
    /// A row a node: begin and end of each session in seconds since the first session of all, in order
    /// and apart from each other. Nobody has none.
    nodes: Vec<Vec<(f64, f64)>>,
}

impl Availability {
    /// Reads the trace in a file.
    pub(crate) fn read(path: &str) -> Result<Self, Unusable> {
        let text = std::fs::read_to_string(path).map_err(|error| Unusable {
            message: format!("cannot read the trace `{path}`: {error}"),
            help: "name a file by its path from the working directory or from the scenario's folder",
            position: None,
        })?;
        Self::parse(&text).map_err(|(message, line, column)| Unusable {
            message,
            help: "a line has a name, the number of sessions, and the begin and end of each in \
                   seconds, such as `a 2 0 60 90 120`",
            position: Some((path.to_owned(), line, column)),
        })
    }

    /// The sessions, or what is wrong at which line and column.
    fn parse(text: &str) -> Result<Self, (String, usize, usize)> {
        let mut nodes = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            if line.trim_start().starts_with('#') || line.trim().is_empty() {
                continue;
            }
            let wrong = |message: String, field: &str| {
                (message, number, field.as_ptr() as usize - line.as_ptr() as usize + 1)
            };
            let mut fields = line.split_ascii_whitespace().skip(1);
            let count = fields.next().unwrap_or_default();
            let sessions: usize = count
                .parse()
                .map_err(|_| (format!("`{count}` is not a number of sessions"), number, 1))?;
            let mut times: Vec<f64> = Vec::new();
            for field in fields {
                let time = field.parse().ok().filter(|time: &f64| time.is_finite());
                let after = times.last().copied().unwrap_or(f64::NEG_INFINITY);
                match time {
                    None => {
                        return Err(wrong(format!("`{field}` is not a time in seconds"), field));
                    }
                    Some(time) if time < after => {
                        return Err(wrong(format!("{time} is before {after}"), field));
                    }
                    Some(time) => times.push(time),
                }
            }
            if times.len() != 2 * sessions {
                let message =
                    format!("{sessions} sessions have {} times, not {}", 2 * sessions, times.len());
                return Err((message, number, line.len() + 1));
            }
            nodes.push(joined(&times));
        }
        nodes.retain(|sessions| !sessions.is_empty());
        let first = nodes.iter().map(|sessions: &Vec<(f64, f64)>| sessions[0].0);
        let Some(first) = first.reduce(f64::min) else {
            return Err(("there is no session in it".to_owned(), 1, 1));
        };
        for (begin, end) in nodes.iter_mut().flatten() {
            (*begin, *end) = (*begin - first, *end - first);
        }
        Ok(Self { nodes })
    }

    /// When a node is away, from the beginning of the trace on and so many times as fast: since when,
    /// and until when, if it comes back.
    pub(crate) fn absences(
        &self,
        place: usize,
        speed: f64,
    ) -> impl Iterator<Item = (Duration, Option<Duration>)> {
        let sessions = &self.nodes[place % self.nodes.len()];
        let scaled = move |seconds: f64| {
            Duration::try_from_secs_f64(seconds / speed).unwrap_or(Duration::MAX)
        };
        let begins = sessions.iter().map(|(begin, _)| *begin);
        let ends = sessions.iter().map(|(_, end)| *end);
        // Who is not there at the beginning goes then.
        let goes = std::iter::once(0.0).chain(ends);
        let back = begins.map(Some).chain([None]);
        goes.zip(back)
            .filter(|(gone, back)| *back != Some(*gone))
            .map(move |(gone, back)| (scaled(gone), back.map(scaled)))
    }
}

/// Sessions that follow each other at once are one.
fn joined(times: &[f64]) -> Vec<(f64, f64)> {
    let mut sessions: Vec<(f64, f64)> = Vec::new();
    for session in times.chunks_exact(2) {
        match sessions.last_mut() {
            Some(last) if last.1 == session[0] => last.1 = session[1],
            _ => sessions.push((session[0], session[1])),
        }
    }
    sessions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_in_a_session_is_away() {
        let trace = Availability::parse("a\t2\t 100 160 220 400\n# nobody\nb 1 160 220\nc 0\n");
        let trace = trace.unwrap();
        let absences = |node| trace.absences(node, 10.0).collect::<Vec<_>>();
        let seconds = Duration::from_secs;
        assert_eq!(absences(0), [(seconds(6), Some(seconds(12))), (seconds(30), None)]);
        assert_eq!(absences(1), [(seconds(0), Some(seconds(6))), (seconds(12), None)]);
        assert_eq!(absences(2), absences(0), "lines are used again");
    }

    #[test]
    fn sessions_without_a_gap_are_one() {
        let trace = Availability::parse("a 2 0 60 60 90").unwrap();
        let absences: Vec<_> = trace.absences(0, 1.0).collect();
        assert_eq!(absences, [(Duration::from_secs(90), None)]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let wrong = |text| Availability::parse(text).unwrap_err();
        assert_eq!(wrong("a 1 0 60\nb x 0"), ("`x` is not a number of sessions".to_owned(), 2, 1));
        assert_eq!(wrong("a 2 0 60 30 90"), ("30 is before 60".to_owned(), 1, 10));
        assert_eq!(wrong("a 1 0 soon").0, "`soon` is not a time in seconds");
        assert_eq!(wrong("a 2 0 60"), ("2 sessions have 4 times, not 2".to_owned(), 1, 9));
        assert_eq!(wrong("# nothing\n").0, "there is no session in it");
    }

    #[test]
    fn the_sessions_of_skype_read() {
        let path =
            format!("{}/../../../shared/data/skype-sessions.avt", env!("CARGO_MANIFEST_DIR"));
        if !std::path::Path::new(&path).exists() {
            eprintln!("SKIPPED: there is no {path} to read");
            return;
        }
        let trace = Availability::read(&path).unwrap();
        assert_eq!(trace.nodes.len(), 2_081);
    }
}
