//! The style sheet of a page: colours on light and dark paper, cards in columns, and what switches
//! overlays, drivers and the paper without a script.
use std::fmt::Write as _;

use peerbench_measure::Driver;

use super::chart::{PAPERS, style};

/// All rules for a page of so many overlays, measured by these drivers.
pub(super) fn sheet(overlays: usize, drivers: &[Driver]) -> String {
    let [light, dark] = PAPERS.each_ref().map(|paper| paper.declarations());
    let mut text = format!(
        ":root{{{light}color-scheme:light dark}}\
         @media(prefers-color-scheme:dark){{:root:not(:has(#theme-light:checked)){{{dark}}}}}\
         :root:has(#theme-light:checked){{color-scheme:light}}\
         :root:has(#theme-dark:checked){{{dark}color-scheme:dark}}\
         @media print{{:root:root:root:root{{{light}color-scheme:light}}}}"
    );
    text.push_str(&style(overlays));
    text.push_str(RULES);
    for who in 0..overlays {
        let _ = write!(text, "body:has(#show-{who}:not(:checked)) main .who-{who}{{display:none}}");
    }
    for driver in drivers {
        let _ = write!(
            text,
            "body:has(#show-{driver}:not(:checked)) [data-driver={driver}]{{display:none}}"
        );
    }
    text.push_str(PRINTED);
    text
}

const RULES: &str = "\
*{box-sizing:border-box}\
html{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);\
-webkit-text-size-adjust:100%}\
body{margin:0}\
main{max-width:1320px;margin:0 auto;padding:1.2rem 1rem 4rem}\
h1{font-size:1.9rem;line-height:1.2;margin:.1rem 0 .3rem}\
h2{font-size:1.3rem;line-height:1.3;margin:2.4rem 0 .7rem}\
h2.world{border-top:3px solid var(--rule);padding-top:1.2rem}\
h3{font-size:1rem;line-height:1.35;margin:1rem 0 .4rem}\
a{color:var(--link);text-decoration:none}a:hover,a:focus{text-decoration:underline}\
small{color:var(--soft);font-size:.82em;font-weight:400}\
.brand{margin:0;color:var(--soft);letter-spacing:.04em}\
.where{margin:0;color:var(--soft)}.about{max-width:75ch;margin:.4rem 0}\
.alarm{background:var(--alarm-paper);color:var(--ink);border-left:.4rem solid var(--alarm);\
padding:.5rem 1rem;margin:1rem 0}\
.alarm p{margin:.2rem 0}.alarm p:first-child{color:var(--alarm);font-weight:600}\
.claims{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,390px),1fr));gap:.1rem 1.5rem;margin:.4rem 0 .8rem}.claim{margin:0;font-size:.93rem}.tables{display:flex;flex-wrap:wrap;gap:.6rem 2.5rem;margin-top:1rem}.tables>div{max-width:100%;min-width:0}.claim .what{color:var(--soft)}.claim .what::first-letter{text-transform:uppercase}\
.prices{max-width:120ch;padding-left:1.2rem;margin:.6rem 0}\
.controls{position:sticky;top:0;z-index:1;display:flex;flex-wrap:wrap;gap:.2rem 1rem;\
align-items:center;padding:.35rem 1rem;background:var(--card);border-bottom:1px solid var(--rule);\
font-size:.9rem}\
.controls label{display:inline-flex;align-items:center;gap:.3rem;white-space:nowrap}\
.controls .group{display:inline-flex;flex-wrap:wrap;gap:.2rem .8rem}\
.controls .theme{margin-left:auto}\
@media(max-width:600px){.controls{position:static}.controls .theme{margin-left:0}}\
.swatch{width:34px;height:14px;vertical-align:-2px;margin-right:.4rem;overflow:visible;flex:none}\
.scroll{overflow-x:auto;max-width:100%}\
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.92rem}\
th,td{padding:.22rem .7rem;text-align:right;vertical-align:baseline;border-bottom:1px solid var(--rule)}\
th{font-weight:600}th[scope]{white-space:nowrap}th[scope=row],th[scope=rowgroup]{text-align:left}\
tbody th[scope=row]{font-weight:400}\
thead th{vertical-align:bottom}thead th small{display:block}td.against{text-align:left;padding-left:0;color:var(--soft);font-size:.86em}\
tr.block th{padding-top:.9rem}tr.block small{margin-left:.5rem}\
td{white-space:nowrap}td.best{font-weight:700}\
.good-1{background:rgb(30 120 220/.07)}.good-2{background:rgb(30 120 220/.13)}\
.good-3{background:rgb(30 120 220/.2)}.bad-1{background:rgb(230 120 20/.07)}\
.bad-2{background:rgb(230 120 20/.13)}.bad-3{background:rgb(230 120 20/.2)}\
.key{color:var(--soft);font-size:.88rem;margin:.4rem 0;max-width:110ch}.key span{color:var(--ink);padding:0 .3em}\
th.words,td.words{text-align:left}.conclusions{max-width:100ch;padding-left:1.2rem}.notes{font-size:.9rem;max-width:110ch;padding-left:1.2rem}\
.notes li::marker{content:'! ';color:var(--alarm);font-weight:700}\
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,370px),1fr));gap:1rem}\
.card{margin:0;padding:.8rem .9rem;background:var(--card);border:1px solid var(--rule);\
border-radius:.5rem;display:flex;flex-direction:column;min-width:0;--paper:var(--card)}\
.card h3{margin:0 0 .3rem}.card figcaption{color:var(--soft);font-size:.86rem;margin-top:.4rem}\
.card>svg.chart{width:100%;height:auto;margin-top:auto;overflow:visible}\
.picture{margin:0 0 1rem}.picture figcaption{max-width:110ch}\
.frames{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,240px),1fr));gap:.8rem}\
.frame p{margin:.2rem 0;font-size:.88rem}.network{width:100%;height:auto;max-width:340px;display:block}\
.link{fill:none;stroke:var(--soft);stroke-opacity:.32;stroke-width:.5}\
.network .rim{fill:none;stroke:var(--rule);stroke-width:1}\
.network .node{stroke:var(--own);stroke-width:6;stroke-linecap:round;fill:none}\
.network .faint{stroke-opacity:.45;stroke-width:4}.network .earlier{stroke-opacity:.5}\
.network .empty{stroke:var(--soft);stroke-width:5.5}.network .hole{stroke:var(--card);stroke-width:3.5}\
.network .out{fill:none;stroke:var(--own);stroke-width:2.2}.network .thin{stroke-width:1.3}\
.network .back{fill:none;stroke:var(--own);stroke-width:1.1;stroke-dasharray:3 3}\
.network .key{stroke:var(--ink);stroke-width:2.5}\
.network .searcher{fill:var(--ink);stroke:var(--card);stroke-width:1.5}\
.network .answerer{fill:var(--own);stroke:var(--ink);stroke-width:1.8}\
.network .field{fill:none;stroke:var(--rule)}\
.legend{list-style:none;margin:0 0 .4rem;padding:0;display:flex;flex-wrap:wrap;gap:.1rem .9rem;\
font-size:.86rem}\
.legend li{display:flex;align-items:center}\
details{margin:.5rem 0}summary{cursor:pointer;font-weight:600}\
pre{background:var(--card);border:1px solid var(--rule);border-radius:.4rem;padding:.7rem .9rem;\
overflow-x:auto;font:.85rem/1.45 ui-monospace,monospace}\
.command{white-space:pre-wrap;overflow-wrap:anywhere}\
code{font:.88em ui-monospace,monospace;overflow-wrap:anywhere}\
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,300px),1fr));\
gap:.1rem 1.5rem}\
.facts dt{color:var(--soft);font-size:.86rem;margin:0}.facts dd{margin:0 0 .4rem;overflow-wrap:anywhere}\
#definitions dt{margin-top:.8rem}#definitions dt small{margin-left:.5rem}\
#definitions dt:target{background:rgb(30 120 220/.17)}\
#definitions dd{margin:.1rem 0 0;max-width:90ch}";

/// On real paper: no switches, everything open, nothing cut.
const PRINTED: &str = "\
@media print{.controls{display:none}main{max-width:none;padding:0}html{font-size:10.5pt}\
.scroll,pre{overflow:visible}pre{white-space:pre-wrap}\
details::details-content{content-visibility:visible;block-size:auto}\
.card,tr,pre,dt{break-inside:avoid}h2,h3,dt{break-after:avoid}\
.cards{grid-template-columns:repeat(2,1fr)}\
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}";
