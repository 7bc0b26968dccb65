//! What every number of a page means, from the one table of metrics.
use std::collections::BTreeSet;

use maud::{Markup, html};
use peerbench_measure::{Better, METRICS};

use super::Page;

impl Page {
    /// The metrics that are shown.
    fn metrics(&self) -> BTreeSet<&'static str> {
        let mut metrics: BTreeSet<&'static str> = BTreeSet::new();
        metrics.extend(self.charts().flat_map(|chart| chart.metrics.iter().copied()));
        for world in &self.worlds {
            metrics.extend(world.scenes.iter().flat_map(|scene| scene.glance.metrics()));
            let compared = world.comparison.tables.iter().flat_map(|table| &table.blocks);
            metrics.extend(compared.flat_map(|block| &block.rows).map(|row| row.metric));
            let tables = world.summaries.iter().flat_map(|summary| &summary.tables);
            let rows = tables.flat_map(|table| &table.blocks).flat_map(|block| &block.rows);
            metrics.extend(rows.filter_map(|row| row.metric));
        }
        metrics
    }

    /// Their definitions, in the order of the table.
    pub(super) fn definitions(&self) -> Markup {
        let shown = self.metrics();
        html! {
            section #definitions {
                h2 { "What the numbers mean" }
                dl {
                    @for metric in METRICS.iter().filter(|metric| shown.contains(metric.name)) {
                        dt id=(format!("metric-{}", metric.name)) {
                            (metric.group.title()) ": " strong { (metric.title) }
                            " " code { (metric.name) }
                            small {
                                (metric.unit)
                                @match metric.better {
                                    Better::Lower => ", less is better",
                                    Better::Higher => ", more is better",
                                    Better::Neither => "",
                                }
                            }
                        }
                        dd { (metric.definition) }
                    }
                }
            }
        }
    }
}
