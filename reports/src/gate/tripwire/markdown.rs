//! The tripwire in Markdown: what a person should look at is open, the rest folded.
use super::words::HEADER;
use super::{Tripwire, TripwireCase};
use crate::gate::markdown::{details, escaped, table};

impl Tripwire {
    /// The cases in Markdown; those in which nothing has changed are folded.
    #[must_use]
    pub fn markdown(&self) -> String {
        let (open, folded): (Vec<_>, Vec<_>) =
            self.cases.iter().partition(|case| case.verdict.is_told());
        let open = open.into_iter().map(|case| {
            let reason = match case.reason.as_str() {
                "" => String::new(),
                reason => format!("{}\n\n", escaped(reason)),
            };
            format!("### {}\n\n{reason}{}\n\n", escaped(case.title()), figures(case))
        });
        let folded = folded.into_iter().map(|case| details(&case.title(), &figures(case)));
        open.chain(folded).collect()
    }
}

fn figures(case: &TripwireCase) -> String {
    let rows = case.rows.iter().map(|row| {
        let [figure, rest @ ..] = row.fields();
        let fields = [format!("`{figure}`")].into_iter().chain(rest);
        fields.chain([row.told()]).collect()
    });
    table(&HEADER, rows)
}
