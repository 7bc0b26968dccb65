//! How it was measured: scenario, machine, toolchain, load, and the command that does it again.
use maud::{Markup, html};

use super::Page;
use crate::markdown::facts;

impl Page {
    /// Everything that somebody needs to judge the runs or to do them again.
    pub(super) fn circumstances(&self) -> Markup {
        let several = self.manifests.len() > 1;
        html! {
            section #circumstances {
                h2 { "How it was measured" }
                @for manifest in &self.manifests {
                    @if several { h3 { (manifest.id) } }
                    dl.facts {
                        @for (name, fact) in facts(manifest) {
                            div { dt { (name) } dd { (fact) } }
                        }
                    }
                    details {
                        summary { "The scenario, resolved" }
                        pre { (manifest.scenario_yaml.trim_end()) }
                    }
                    h3 { "Run it again" }
                    pre.command { (manifest.run_again) }
                }
            }
        }
    }
}
