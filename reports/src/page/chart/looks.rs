//! What overlays look like: colours that people who do not see all colours can tell apart (after
//! Okabe and Ito 2008, moved until all stand out from the paper and from each other), and for those who
//! see none, dashes and marks.
use std::fmt::Write as _;

/// How one overlay looks.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Its colour on light paper, as `#rrggbb`.
    pub light: &'static str,
    /// Its colour on dark paper.
    pub dark: &'static str,
    /// Lengths of dashes and of what is between them; empty for a line without gaps.
    pub dash: &'static str,
    /// The outline of its mark around the origin.
    pub mark: &'static str,
}

/// What everything else looks like.
#[derive(Clone, Copy, Debug)]
pub struct Paper {
    /// What its colours are called in the style sheet, each with the colour.
    pub colours: [(&'static str, &'static str); 8],
    /// Which of the colours of a [`Look`] is on it.
    pub own: fn(&Look) -> &'static str,
}

/// Of overlays in the order in which they appear.
pub const LOOKS: [Look; 6] = [
    Look {
        light: "#115fc8",
        dark: "#459fff",
        dash: "",
        mark: "M-4 0A4 4 0 1 1 4 0A4 4 0 1 1 -4 0z",
    },
    Look { light: "#e55c13", dark: "#ff8526", dash: "8 3", mark: "M-3.6 -3.6H3.6V3.6H-3.6z" },
    Look { light: "#149e72", dark: "#2fc088", dash: "3 2", mark: "M0 -4.8L4.6 3.4H-4.6z" },
    Look { light: "#a23a80", dark: "#f4b0de", dash: "9 3 2 3", mark: "M0 -5L5 0L0 5L-5 0z" },
    Look { light: "#623f0b", dark: "#fbd84d", dash: "5 2 1 2 1 2", mark: "M0 4.8L4.6 -3.4H-4.6z" },
    Look {
        light: "#453350",
        dark: "#f1edd7",
        dash: "1 2",
        mark: "M-4 -1.3H-1.3V-4H1.3V-1.3H4V1.3H1.3V4H-1.3V1.3H-4z",
    },
];

/// Light paper, which is also what is printed on, and dark paper.
pub const PAPERS: [Paper; 2] = [
    Paper {
        colours: [
            ("paper", "#ffffff"),
            ("card", "#f7f8fa"),
            ("ink", "#1f2328"),
            ("soft", "#59606a"),
            ("rule", "#d5d9df"),
            ("link", "#0b5cad"),
            ("alarm", "#a4260b"),
            ("alarm-paper", "#fff1ec"),
        ],
        own: |look| look.light,
    },
    Paper {
        colours: [
            ("paper", "#14161a"),
            ("card", "#1c1f25"),
            ("ink", "#e6e8eb"),
            ("soft", "#a3abb6"),
            ("rule", "#3a404a"),
            ("link", "#79b8ff"),
            ("alarm", "#ffa28b"),
            ("alarm-paper", "#3a1d16"),
        ],
        own: |look| look.dark,
    },
];

/// The outline of a mark.
pub(crate) fn marker(who: usize) -> &'static str {
    LOOKS[who % LOOKS.len()].mark
}

impl Paper {
    /// Its colours as declarations of a style sheet.
    pub(crate) fn declarations(&self) -> String {
        let mut text = String::new();
        for (name, colour) in self.colours {
            let _ = write!(text, "--{name}:{colour};");
        }
        for (place, look) in LOOKS.iter().enumerate() {
            let _ = write!(text, "--own-{place}:{};", (self.own)(look));
        }
        text
    }
}

/// The rules by which so many overlays have their colours and dashes, and charts look as they do.
pub(crate) fn style(overlays: usize) -> String {
    let mut text = String::from(RULES);
    for who in 0..overlays.max(LOOKS.len()) {
        let colour = who % LOOKS.len();
        // Who has the colour of an earlier one has other dashes.
        let dash = match LOOKS[(who + who / LOOKS.len()) % LOOKS.len()].dash {
            "" => "none",
            dash => dash,
        };
        let _ = write!(text, ".who-{who},.look-{who}{{--own:var(--own-{colour});--dash:{dash}}}");
    }
    text
}

/// How charts are drawn, whoever they are of.
const RULES: &str = "\
svg text{font:12px system-ui,sans-serif;fill:var(--ink)}\
svg .end{text-anchor:end}svg .middle{text-anchor:middle}\
svg text.tick,svg text.title{fill:var(--soft)}\
path.grid{stroke:var(--rule);stroke-width:.7;fill:none}\
path.axis,path.tick{stroke:var(--soft);fill:none}\
.marks:not(.series) path{stroke:var(--soft);stroke-dasharray:2 2;fill:none}\
.marks:not(.series) text{fill:var(--soft)}\
.series .line{fill:none;stroke:var(--own);stroke-width:2;stroke-dasharray:var(--dash);\
stroke-linejoin:round}\
.series .mark{fill:var(--own);stroke:var(--paper);stroke-width:.8}\
.series .bar{fill:var(--own)}\
.series .area{fill:var(--own);stroke:var(--own);stroke-width:.5}\
.series .span{fill:none;stroke:var(--own);stroke-width:1.5}\
.variant-1 .line{stroke-width:1.3;stroke-dasharray:2 3}\
.variant-1 .mark{fill:var(--paper);stroke:var(--own);stroke-width:1.8}\
.segments .bar{stroke:var(--paper);stroke-width:1}\
.variant-1 .bar,.variant-1 .area{fill-opacity:.62}\
.variant-2 .bar,.variant-2 .area{fill-opacity:.36}\
.variant-3 .bar,.variant-3 .area{fill-opacity:.2}\
.variant-4 .bar,.variant-4 .area{fill-opacity:.12}\
.variant-5 .bar,.variant-5 .area{fill-opacity:.07}";

#[cfg(test)]
mod tests {
    use super::*;

    fn channels(colour: &str) -> [f64; 3] {
        [1, 3, 5].map(|at| {
            f64::from(u8::from_str_radix(&colour[at..at + 2], 16).expect("two hexadecimal digits"))
                / 255.0
        })
    }

    fn linear(channel: f64) -> f64 {
        if channel <= 0.040_45 { channel / 12.92 } else { ((channel + 0.055) / 1.055).powf(2.4) }
    }

    /// Relative luminance and contrast as WCAG 2 defines them.
    fn luminance(colour: &str) -> f64 {
        let [red, green, blue] = channels(colour).map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    fn contrast(one: &str, other: &str) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    /// What somebody without one kind of cones sees (Machado, Oliveira, Fernandes 2009).
    const SIGHTS: [[[f64; 3]; 3]; 3] = [
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ],
        [
            [0.367_322, 0.860_646, -0.227_968],
            [0.280_085, 0.672_501, 0.047_413],
            [-0.011_820, 0.042_940, 0.968_881],
        ],
    ];

    /// How far two colours are apart for these eyes, in the Oklab space (Ottosson 2020).
    fn apart(sight: &[[f64; 3]; 3], one: &str, other: &str) -> f64 {
        let seen = |colour: &str| {
            let light = channels(colour).map(linear);
            let [r, g, b] = sight
                .map(|row| row.iter().zip(light).map(|(a, b)| a * b).sum::<f64>().clamp(0.0, 1.0));
            let l = (0.412_221 * r + 0.536_333 * g + 0.051_446 * b).cbrt();
            let m = (0.211_903 * r + 0.680_700 * g + 0.107_397 * b).cbrt();
            let s = (0.088_302 * r + 0.281_719 * g + 0.629_979 * b).cbrt();
            [
                0.210_454 * l + 0.793_618 * m - 0.004_072 * s,
                1.977_998 * l - 2.428_592 * m + 0.450_594 * s,
                0.025_904 * l + 0.782_772 * m - 0.808_676 * s,
            ]
        };
        let (one, other) = (seen(one), seen(other));
        one.iter().zip(other).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
    }

    #[test]
    fn colours_stand_out_from_the_paper_and_text_can_be_read() {
        for paper in &PAPERS {
            let colour =
                |name| paper.colours.iter().find(|it| it.0 == name).expect("it is there").1;
            for ground in ["paper", "card"] {
                for look in &LOOKS {
                    let contrast = contrast((paper.own)(look), colour(ground));
                    assert!(contrast >= 3.0, "{look:?}: {contrast}");
                }
                for text in ["ink", "soft", "link", "alarm"] {
                    assert!(contrast(colour(text), colour(ground)) >= 4.5, "{text} on {ground}");
                }
            }
            assert!(contrast(colour("alarm"), colour("alarm-paper")) >= 4.5);
            assert!(contrast(colour("ink"), colour("alarm-paper")) >= 4.5);
        }
    }

    #[test]
    fn no_two_colours_are_alike_whoever_looks() {
        for paper in &PAPERS {
            for sight in &SIGHTS {
                for (place, one) in LOOKS.iter().enumerate() {
                    for other in &LOOKS[..place] {
                        let apart = apart(sight, (paper.own)(one), (paper.own)(other));
                        assert!(apart > 0.1, "{one:?} {other:?}: {apart}");
                    }
                }
            }
        }
    }
}
