//! Two programs against each other: what the simulator says, exactly, and what rounds on the testbed
//! say, noisily, in one verdict.
use serde::Serialize;

use super::tripwire::Tripwire;
use super::{Gate, Verdict, json, markdown};
use crate::explain::wrap;
use crate::terminal::{WIDEST, strong, warning};

/// Version of the JSON.
const VERSION: u32 = 1;

/// A change of the program, judged.
#[derive(Clone, Debug)]
pub struct Regression {
    /// What a person calls the program that is compared to.
    pub base: String,
    /// What a person calls the program that is judged.
    pub head: String,
    /// What a reader of the verdict must know.
    pub notes: Vec<String>,
    /// What the simulator measured; `None` where both programs are built from the same sources, so
    /// that there is nothing to measure.
    pub gate: Option<Gate>,
    /// What was measured in rounds; `None` if nobody asked for it.
    pub tripwire: Option<Tripwire>,
    /// Why nothing could be compared, and what that comes to.
    pub refusal: Option<Refusal>,
}

/// Why nothing could be compared.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// What it comes to.
    pub verdict: Verdict,
    /// Why, in a line.
    pub reason: String,
    /// What a program said; may be empty.
    pub said: String,
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    verdict: Verdict,
    headline: String,
    advice: &'a str,
    base: &'a str,
    head: &'a str,
    notes: &'a [String],
    simulator: Option<json::Document<'a>>,
    testbed: Option<super::tripwire::Document<'a>>,
}

impl Regression {
    /// The worse of both parts.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if let Some(refusal) = &self.refusal {
            return refusal.verdict;
        }
        let exact = self.gate.as_ref().map(|gate| gate.verdict);
        let noisy = self.tripwire.as_ref().map(|tripwire| tripwire.verdict);
        // That noise hides nothing large does not take away from what is exact.
        let noisy = noisy.filter(|verdict| *verdict != Verdict::Unchanged || exact.is_none());
        exact.max(noisy).unwrap_or(Verdict::Identical)
    }

    /// Everything for a terminal of this many columns, at least 60 of which are used; `colour` only
    /// if it is one. Ends with a line feed.
    #[must_use]
    pub fn terminal(&self, width: usize, colour: bool) -> String {
        let width = width.clamp(60, WIDEST);
        let first = format!("{}: {}", self.verdict(), self.headline());
        let mut text = format!("{}\n", strong(&wrap(&first, width), colour));
        text.push_str(&format!("{}\n\n", wrap(self.advice(), width)));
        text.push_str(&format!("base  {}\nhead  {}\n", self.base, self.head));
        for note in &self.notes {
            text.push_str(&warning(&wrap(&format!("! {note}"), width), colour));
            text.push('\n');
        }
        if let Some(said) = self.said() {
            text.push_str(&format!("\n{said}\n"));
        }
        if let Some(gate) = &self.gate {
            text.push_str(&format!("\n{}\n", strong(&in_simulator(gate), colour)));
            for note in &gate.notes {
                text.push_str(&warning(&wrap(&format!("! {note}"), width), colour));
                text.push('\n');
            }
            text.push_str(&gate.cases_for_terminal(width, colour));
        }
        if let Some(tripwire) = &self.tripwire {
            text.push_str(&format!("\n{}\n", strong(&in_rounds(tripwire), colour)));
            text.push_str(&tripwire.terminal(width, colour));
        }
        text
    }

    /// Everything in Markdown, below 60 kB, for a comment on a change: the verdict and what to do in
    /// the first line, what changed open below it, everything else folded. Ends with a line feed.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text =
            format!("**{}**: {}. {}\n\n", self.verdict(), self.headline(), self.advice());
        text.push_str(&format!("- base: {}\n- head: {}\n", self.base, self.head));
        for note in &self.notes {
            text.push_str(&format!("- {}\n", markdown::escaped(note)));
        }
        text.push('\n');
        if let Some(said) = self.said() {
            let block = format!("~~~~text\n{said}\n~~~~");
            text.push_str(&markdown::details("What was said last", &block));
        }
        let noisy = self.tripwire.as_ref().map_or_else(String::new, |tripwire| {
            format!("## {}\n\n{}", markdown::escaped(in_rounds(tripwire)), tripwire.markdown())
        });
        if let Some(gate) = &self.gate {
            text.push_str(&format!("## {}\n\n", markdown::escaped(in_simulator(gate))));
            let room = markdown::LONGEST.saturating_sub(text.len() + noisy.len());
            text.push_str(&gate.body(room));
        }
        text + &noisy
    }

    /// Everything as JSON, on several lines. Ends with a line feed.
    #[must_use]
    pub fn json(&self) -> String {
        let document = Document {
            version: VERSION,
            verdict: self.verdict(),
            headline: self.headline(),
            advice: self.advice(),
            base: &self.base,
            head: &self.head,
            notes: &self.notes,
            simulator: self.gate.as_ref().map(Gate::document),
            testbed: self.tripwire.as_ref().map(Tripwire::document),
        };
        let text = serde_json::to_string_pretty(&document);
        text.expect("numbers, texts and lists of them encode") + "\n"
    }

    /// What a program said that could not be compared.
    fn said(&self) -> Option<&str> {
        self.refusal.as_ref().map(|refusal| &*refusal.said).filter(|said| !said.is_empty())
    }

    /// What has come out, in a line, without the verdict that it begins with.
    fn headline(&self) -> String {
        if let Some(refusal) = &self.refusal {
            return refusal.reason.clone();
        }
        let verdict = self.verdict();
        match (&self.gate, &self.tripwire) {
            (None, None) => "both are built from the same sources".to_owned(),
            (Some(gate), Some(tripwire)) => match (gate.verdict == verdict, tripwire.verdict) {
                (true, noisy) if noisy == verdict => {
                    format!("{}; on the testbed: {}", gate.headline(), tripwire.headline())
                }
                (true, noisy) => format!("{}; on the testbed: {noisy}", gate.headline()),
                (false, _) => {
                    format!("on the testbed: {}; simulator: {}", tripwire.headline(), gate.verdict)
                }
            },
            (Some(gate), None) => gate.headline(),
            (None, Some(tripwire)) => tripwire.headline(),
        }
    }

    /// What a person does now.
    fn advice(&self) -> &'static str {
        match self.refusal.as_ref().map(|refusal| refusal.verdict) {
            Some(Verdict::NotComparable) => {
                return "Compare to a base that builds and measures alike, or to what was accepted, by \
                        `peerbench gate`.";
            }
            Some(_) => return "Mend that first.",
            None => {}
        }
        let verdict = self.verdict();
        match (&self.gate, &self.tripwire) {
            (Some(gate), _) if gate.verdict == verdict => gate.advice(),
            (_, Some(tripwire)) => tripwire.advice(),
            (Some(gate), None) => gate.advice(),
            (None, None) => "Nothing to do.",
        }
    }
}

fn in_simulator(gate: &Gate) -> String {
    format!("Simulator: {}, {}", gate.verdict, gate.headline())
}

fn in_rounds(tripwire: &Tripwire) -> String {
    format!("Testbed, in rounds: {}, {}", tripwire.verdict, tripwire.headline())
}
