//! The fuzzer itself: worlds are the same each time, a broken overlay is found and its world shrunk, and
//! a fixed number of worlds is outlived by every overlay.
use std::path::Path;

use clap::Parser as _;
use overlay_core::{Command, Ctx, Effect, Key, NodeId, Overlay, Setting, StateSize, Strategy};
use overlay_tracker::{Timer, Tracker, TrackerConfig, TrackerMessage, View};
use peerbench_scenario::FaultAction;

use super::*;
use crate::arguments::{Arguments, Verb};
use crate::overlays::entry;

/// A tracker whose nodes never tell their servers that they are there, and do not care when those are
/// gone; or, if they are to panic, do so when one is.
struct Broken<const PANICS: bool>(Tracker);

static FORGETFUL: Entry = entry::<Broken<false>>("forgets");
static PANICKY: Entry = entry::<Broken<true>>("panics");

impl<const PANICS: bool> Broken<PANICS> {
    /// Lets the sound node inside do something.
    fn with<T>(cx: &mut Ctx<'_, Self>, act: impl FnOnce(&mut Ctx<'_, Tracker>) -> T) -> T {
        let mut effects = Vec::new();
        let Ctx { me, now, config, conduct, uplink, .. } = *cx;
        let (rng, its) = (&mut *cx.rng, &mut effects);
        let done = act(&mut Ctx { me, now, config, conduct, uplink, rng, effects: its });
        cx.effects.extend(effects.into_iter().map(|effect| match effect {
            Effect::Send { to, message } => Effect::Send { to, message },
            Effect::SetTimer { after, timer } => Effect::SetTimer { after, timer },
            Effect::Emit(event) => Effect::Emit(event),
        }));
        done
    }
}

impl<const PANICS: bool> Overlay for Broken<PANICS> {
    const NAME: &'static str = Tracker::NAME;
    const STRATEGIES: &'static [Strategy] = Tracker::STRATEGIES;
    type Config = TrackerConfig;
    type Message = TrackerMessage;
    type Timer = Timer;
    type Oracle = View;

    fn check(config: &TrackerConfig, nodes: u32) -> Result<(), (&'static str, String)> {
        Tracker::check(config, nodes)
    }

    fn new(cx: &mut Ctx<'_, Self>) -> Self {
        Self(Self::with(cx, Tracker::new))
    }

    fn on_command(&mut self, command: Command, cx: &mut Ctx<'_, Self>) {
        Self::with(cx, |cx| self.0.on_command(command, cx));
    }

    fn on_message(&mut self, from: NodeId, message: TrackerMessage, cx: &mut Ctx<'_, Self>) {
        Self::with(cx, |cx| self.0.on_message(from, message, cx));
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Ctx<'_, Self>) {
        if !matches!(timer, Timer::KeepAlive) {
            Self::with(cx, |cx| self.0.on_timer(timer, cx));
        }
    }

    fn on_peer_lost(&mut self, _: NodeId, cx: &mut Ctx<'_, Self>) {
        assert!(!PANICS, "nobody is to be lost, but {} lost somebody", cx.me);
    }

    fn holds(&self, key: &Key) -> bool {
        self.0.holds(key)
    }

    fn state(&self, config: &TrackerConfig) -> StateSize {
        self.0.state(config)
    }

    fn neighbors(&self, config: &TrackerConfig) -> Vec<NodeId> {
        self.0.neighbors(config)
    }

    fn oracle(config: &TrackerConfig, setting: &dyn Setting) -> View {
        Tracker::oracle(config, setting)
    }

    fn settle(&mut self, view: &View, cx: &mut Ctx<'_, Self>) {
        Self::with(cx, |cx| self.0.settle(view, cx));
    }
}

/// The first of so many worlds from seed 1 on that this overlay does not outlive.
fn first_failed(entry: &'static Entry, worlds: u64) -> Option<Failed> {
    (1..=worlds).find_map(|seed| {
        let sketch = Sketch::draw(promise::of(entry.name), entry.name, seed);
        let defeat = try_sketch(entry, &sketch).expect("the world is sound").defeat?;
        Some(Failed { entry, seed, defeat })
    })
}

#[test]
fn a_seed_is_a_world_and_what_comes_of_it() {
    for (entry, seed) in OVERLAYS.iter().zip(100..) {
        let tried = || {
            let sketch = Sketch::draw(promise::of(entry.name), entry.name, seed);
            let tried = try_sketch(entry, &sketch).expect("the world is sound");
            (render::yaml(&sketch), tried.examined.map(|it| (it.trace_digest, it.judged)))
        };
        assert_eq!(tried(), tried(), "{}", entry.name);
    }
}

#[test]
fn what_is_told_runs_the_same_world_again() {
    let plan = |command: &str| {
        let arguments = Arguments::try_parse_from(command.split(' '));
        match arguments.expect("a command line").verb {
            Verb::FuzzWorld(fuzz) => Plan::of(&fuzz),
            other => panic!("{other:?}"),
        }
    };
    for entry in OVERLAYS {
        let its = plan(&report::again(entry, 515_144_566_634_478_203)).expect("it is a world");
        let worlds: Vec<_> = (0..9).map_while(|number| its.world(number)).collect();
        let [(overlay, seed)] = worlds[..] else { panic!("{} worlds", worlds.len()) };
        assert_eq!((overlay.name, seed), (entry.name, 515_144_566_634_478_203));
        assert_eq!(its.time, None);
    }
    for no_world in ["chord", "chord:", "chord:x", "nobody:1"] {
        assert!(plan(&format!("peerbench fuzz-world --world {no_world}")).is_err(), "{no_world}");
    }
}

#[test]
fn every_world_is_sound_and_written_without_loss() {
    for entry in OVERLAYS {
        for seed in 0..200 {
            let sketch = Sketch::draw(promise::of(entry.name), entry.name, seed);
            let text = render::yaml(&sketch);
            let document = Document::parse("world", text.clone()).expect("it is YAML");
            let chosen = crate::config::complete(document, &[entry]);
            assert!(chosen.is_ok(), "{}, seed {seed}: {:?}\n{text}", entry.name, chosen.err());
        }
    }
}

#[test]
fn every_kind_of_fault_strikes_and_none_in_every_world() {
    let worlds = 400;
    let sketches = || {
        let draw = |seed| Sketch::draw(promise::of("tracker"), "tracker", seed).faults;
        (0..worlds).map(draw)
    };
    let kinds: [fn(&sketch::Faults) -> bool; 13] = [
        |it| it.crash.is_some(),
        |it| it.churn.is_some(),
        |it| it.churn.is_some_and(|churn| churn.departure == FaultAction::Freeze),
        |it| !it.partitions.is_empty(),
        |it| it.one_way > 0.0,
        |it| it.lost > 0.0,
        |it| it.duplicated > 0.0,
        |it| it.corrupted > 0.0,
        |it| it.delayed > 0.0,
        |it| it.reordered > 0.0,
        |it| it.slow.is_some(),
        |it| it.drift.is_some(),
        |it| it.overload.is_some(),
    ];
    for (place, is_on) in kinds.into_iter().enumerate() {
        let on = sketches().filter(is_on).count() as u64;
        assert!((worlds / 50..worlds / 2).contains(&on), "kind {place}: {on} of {worlds}");
    }
}

#[test]
fn a_world_that_is_not_sound_hides_nothing_of_the_others() {
    static UNKNOWN: Entry = Entry { name: "nobody", ..entry::<Broken<false>>("is in no table") };
    let entries = vec![&FORGETFUL, &UNKNOWN];
    let plan = Plan { entries, first: 1, worlds: Some(1_000), time: None };
    let (outcome, broken) = run_worlds(&plan, &Shown::new(), &AtomicBool::new(false));
    assert!(broken.is_some_and(|it| it.to_string().contains("nobody")));
    let worlds = outcome.counts.get(FORGETFUL.name).map_or(0, |it| it.worlds);
    assert!((1..1_000).contains(&worlds), "{worlds}");
}

#[test]
fn what_is_broken_is_found_and_shrunk() {
    let failed = first_failed(&FORGETFUL, 50).expect("a broken overlay is found within 50 worlds");
    let before = Sketch::draw(promise::of(failed.entry.name), failed.entry.name, failed.seed);
    let (smallest, defeat, trials) = shrink_failed(&failed, &Shown::new());
    assert!(trials <= MOST_TRIALS);
    assert_eq!(defeat.kind, failed.defeat.kind);
    assert!(smallest.nodes <= 6 && smallest.nodes <= before.nodes, "{} nodes", smallest.nodes);
    let again = try_sketch(failed.entry, &smallest).expect("the world is sound").defeat;
    assert_eq!(again, Some(defeat), "it fails again, and in the same way");
    let lines = render::yaml(&smallest).lines().count();
    assert!(lines < 40, "{lines} lines are not a small world:\n{}", render::yaml(&smallest));
}

#[test]
fn a_file_in_which_nothing_would_be_judged_is_refused() {
    let told = |world: &str| {
        let workload = "workload: {searches: 20, rate: 1/s}";
        let text = format!("nodes: 8\nwarm_up: 10s\n{workload}\n{world}\n");
        let document = Document::parse("world", text).expect("it is YAML");
        match trial::of_file(overlays::find("tracker").expect("there is one"), document) {
            Ok(tried) => format!("{} judged", tried.examined.map_or(0, |it| it.judged)),
            Err(failure) => failure.to_string(),
        }
    };
    let endless = "this lasts until the run is over, so nothing can be judged after it";
    assert_eq!(told("network: {weather: {lost: 0.1}}"), endless);
    assert_eq!(told("churn: {sessions: {mean: 10s}}"), endless);
    let unjudged = "none of them is due after 45s, and only from then on they are judged";
    assert_eq!(told("network: {weather: {until: 15s, lost: 0.1}}"), unjudged);
    assert_eq!(told("churn: {until: 15s, sessions: {mean: 10s}}"), unjudged);
    assert_eq!(told("network: {weather: {until: 15s}}\nfounders: 1"), unjudged);
}

/// Holds a world to each rule by itself.
fn assert_promised(sketch: &Sketch) {
    let promise = promise::of(sketch.overlay);
    let Sketch { nodes, copies, fetch, onset, section, faults, .. } = sketch;
    assert!(*nodes >= promise.fewest_nodes && copies <= nodes, "{sketch:?}");
    assert!(*fetch || !promise.fetches, "{sketch:?}");
    assert!(faults.corrupted == 0.0 || *onset == sketch::Onset::First, "{sketch:?}");
    assert!(faults.partitions.is_empty() || promise.heals_partitions, "{sketch:?}");
    let away = faults.crash.map_or(0.0, |it| it.share) + faults.churn.map_or(0.0, |it| it.share);
    assert!(100.0 * away < promise.most_away as f64 + 0.5, "{sketch:?}");
    let is_loss = faults.lost > 0.0 || faults.corrupted > 0.0;
    assert!(!is_loss || (promise.stands_loss)(section, *onset), "{sketch:?}");
    let is_disorder = faults.duplicated > 0.0 || faults.reordered > 0.0 || faults.one_way > 0.0;
    assert!(!is_disorder || (promise.stands_disorder)(section, *onset), "{sketch:?}");
    let has = |field| section.iter().any(|(its, _)| its == field);
    assert!(has("ring_step") || !has("search"), "{sketch:?}");
}

#[test]
fn what_is_made_smaller_is_promised_still() {
    for entry in OVERLAYS {
        for seed in 0..200 {
            let sketch = Sketch::draw(promise::of(entry.name), entry.name, seed);
            assert_promised(&sketch);
            let mut trials = 0;
            shrink::shrink(sketch, MOST_TRIALS, |smaller| {
                assert_promised(smaller);
                trials += 1;
                // Some steps are taken to their end, and others are not.
                (trials + seed) % 5 > 0
            });
        }
    }
}

#[test]
fn who_panics_is_caught_and_told_where() {
    trial::keep_panics();
    let failed = first_failed(&PANICKY, 50);
    drop(std::panic::take_hook());
    let failed = failed.expect("a panic is found within 50 worlds");
    assert!(failed.defeat.kind.starts_with("panicked at "), "{}", failed.defeat.kind);
    assert!(failed.defeat.told[0].contains("nobody is to be lost"), "{}", failed.defeat.told[0]);
}

#[test]
fn every_overlay_outlives_its_first_worlds() {
    for entry in OVERLAYS {
        if let Some(Failed { seed, defeat, .. }) = first_failed(entry, 20) {
            panic!("{}, seed {seed}: {}", entry.name, defeat.told.join("\n"));
        }
    }
}

/// Worlds that overlays did not outlive once, as small as they could be made; each says what failed.
#[test]
fn what_has_failed_once_fails_no_more() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/fuzz/worlds");
    let files = std::fs::read_dir(folder).expect("the folder is beside this file");
    let mut worlds = 0;
    for file in files {
        let path = file.expect("the folder can be read").path();
        let document = Document::read(&path).expect("the file is there");
        let scenario = document.scenario().expect("the world is sound");
        let name = scenario.overlays.keys().next().expect("the world is an overlay's");
        let entry = overlays::find(name).expect("there is such an overlay");
        let tried = trial::of_document(entry, document).expect("the world is sound");
        assert_eq!(tried.defeat, None, "{}", path.display());
        worlds += 1;
    }
    assert!(worlds > 5, "{worlds} worlds");
}
