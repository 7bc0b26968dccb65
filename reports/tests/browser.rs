//! The page in a real browser: nothing fails, nothing leaves it, nothing lies over anything, in both
//! colour schemes and on wide and narrow screens; its switches work. Skipped, loudly, where there is
//! no Chromium. Pictures of the page are left in Cargo's folder for tests.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod devtools;
mod small;

use std::fs;
use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use devtools::Browser;
use peerbench_reports::page::Page;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Where Chromium may be.
const BROWSERS: [&str; 4] =
    ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome", "/usr/bin/chrome"];

const WIDE: u32 = 1_280;
const NARROW: u32 = 400;

/// Texts of one drawing that lie over each other, and texts that leave their card.
const OVERLAPS: &str = "(() => { const bad = [];
for (const svg of document.querySelectorAll('svg')) {
  const box = svg.closest('.card') ? svg.closest('.card').getBoundingClientRect() : null;
  const texts = [...svg.querySelectorAll('text')].map(t => [t.textContent, t.getBoundingClientRect()])
    .filter(([, r]) => r.width > 0);
  texts.forEach(([a, r], i) => {
    if (box && (r.left < box.left - 1 || r.right > box.right + 1)) bad.push('out: ' + a);
    for (const [b, s] of texts.slice(i + 1)) {
      const w = Math.min(r.right, s.right) - Math.max(r.left, s.left);
      const h = Math.min(r.bottom, s.bottom) - Math.max(r.top, s.top);
      if (w > 1 && h > 2) bad.push((svg.closest('figure')?.id ?? '') + ': ' + a + ' | ' + b);
    }
  });
}
return JSON.stringify(bad); })()";

/// Texts that do not stand out from what is behind them: less than 4.5 (WCAG 2, level AA).
const PALE: &str = "(() => { const bad = [];
const parse = c => (c.match(/[\\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
const over = (f, b) => { const a = f[3] ?? 1; return [0, 1, 2].map(i => f[i] * a + b[i] * (1 - a)); };
const light = c => { const [r, g, b] = c.map(v => { v /= 255;
  return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const ground = e => { const layers = [];
  for (let n = e; n; n = n.parentElement) layers.push(parse(getComputedStyle(n).backgroundColor));
  return layers.reverse().reduce((b, f) => over(f, b), [255, 255, 255]); };
for (const e of document.querySelectorAll('body *')) {
  const own = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
  if (!own || ['STYLE', 'SCRIPT', 'title'].includes(e.tagName) || !e.getClientRects().length) continue;
  const style = getComputedStyle(e), back = ground(e);
  const ink = over(parse(e instanceof SVGElement ? style.fill : style.color), back);
  const [a, b] = [light(ink), light(back)];
  const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (contrast < 4.5) bad.push(contrast.toFixed(2) + ' ' + e.tagName + ' ' + e.textContent.slice(0, 40));
}
return JSON.stringify(bad); })()";

/// A page in a browser.
struct Shown {
    browser: Browser,
    // Removed when the browser has ended.
    _profile: TempDir,
}

impl Shown {
    /// Shows a page; `None`, loudly, without a browser.
    fn new(file: &Path) -> Option<Self> {
        let Some(path) = BROWSERS.iter().find(|path| Path::new(path).exists()) else {
            eprintln!("SKIPPED: there is no Chromium in {BROWSERS:?}; the page was not looked at");
            return None;
        };
        let profile = tempfile::tempdir().unwrap();
        let mut browser = Browser::start(path, profile.path());
        for domain in ["Page", "Network", "Log", "Runtime"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser.call("Page.navigate", json!({"url": format!("file://{}", file.display())}));
        browser.wait_for("Page.loadEventFired");
        Some(Self { browser, _profile: profile })
    }

    fn resize(&mut self, width: u32) {
        let metrics =
            json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.browser.call("Emulation.setDeviceMetricsOverride", metrics);
    }

    /// As somebody whose system is light or dark.
    fn prefer(&mut self, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.browser.call("Emulation.setEmulatedMedia", json!({"features": features}));
    }

    fn value(&mut self, expression: &str) -> Value {
        let asked = json!({"expression": expression, "returnByValue": true});
        let answer = self.browser.call("Runtime.evaluate", asked);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// The list that an expression writes as JSON.
    fn list(&mut self, expression: &str) -> Vec<String> {
        let text = self.value(expression);
        serde_json::from_str(text.as_str().unwrap()).unwrap()
    }

    fn is(&mut self, expression: &str) -> bool {
        self.value(expression) == Value::Bool(true)
    }

    /// Leaves a picture of the whole page.
    fn photograph(&mut self, name: &str) {
        let asked = json!({"format": "png", "captureBeyondViewport": true, "clip": {
            "x": 0, "y": 0, "scale": 1,
            "width": self.value("innerWidth"),
            "height": self.value("document.documentElement.scrollHeight"),
        }});
        let answer = self.browser.call("Page.captureScreenshot", asked);
        let picture = BASE64_STANDARD.decode(answer["data"].as_str().unwrap()).unwrap();
        fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name), picture).unwrap();
    }
}

#[test]
fn the_page_is_sound_in_a_browser() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    let html = Page::of(&[small::comparison(small::NODES)], None).unwrap().html();
    assert!(html.len() < 1_000_000, "{} bytes", html.len());
    fs::write(&file, html).unwrap();
    let Some(mut shown) = Shown::new(&file) else { return };
    for scheme in ["light", "dark"] {
        shown.prefer(scheme);
        for width in [WIDE, NARROW] {
            shown.resize(width);
            shown.photograph(&format!("page-{scheme}-{width}.png"));
            assert_eq!(shown.list(OVERLAPS), [""; 0], "{scheme}, {width} pixels");
            assert_eq!(shown.list(PALE), [""; 0], "{scheme}, {width} pixels");
            let widths = "document.documentElement.scrollWidth <= innerWidth";
            assert!(shown.is(widths), "the page itself scrolls sideways at {width} pixels");
        }
    }
    shown.prefer("light");
    shown.resize(WIDE);
    switches(&mut shown);
    let (requests, complaints) = shown.browser.heard();
    let is_own = |url: &String| url.starts_with("file://") || url.starts_with("data:");
    assert!(!requests.is_empty() && requests.iter().all(is_own), "{requests:?}");
    assert_eq!(complaints, [""; 0]);
}

/// Overlays, drivers and the paper can be switched, and back.
fn switches(shown: &mut Shown) {
    let visible = |selector: &str| {
        format!(
            "[...document.querySelectorAll('{selector}')].some(e => e.getClientRects().length > 0)"
        )
    };
    for (switch, hidden) in [
        ("show-1", "main .who-1"),
        ("show-1", "figure.picture.who-1"),
        ("show-testbed", "[data-driver=testbed]"),
    ] {
        let click = format!("document.getElementById('{switch}').click()");
        assert!(shown.is(&visible(hidden)), "{hidden}");
        shown.value(&click);
        assert!(!shown.is(&visible(hidden)), "{switch} leaves {hidden}");
        shown.value(&click);
        assert!(shown.is(&visible(hidden)), "{switch} does not bring {hidden} back");
    }
    let paper = "getComputedStyle(document.documentElement).backgroundColor";
    let light = shown.value(paper);
    shown.value("document.getElementById('theme-dark').click()");
    let dark = shown.value(paper);
    assert_ne!(light, dark, "the page does not become dark");
    assert_eq!(shown.list(PALE), [""; 0], "switched to dark");
    shown.prefer("dark");
    shown.value("document.getElementById('theme-light').click()");
    assert_eq!(shown.value(paper), light, "who wants light paper gets it on a dark system");
    shown.value("document.getElementById('theme-auto').click()");
    assert_eq!(shown.value(paper), dark);
}
