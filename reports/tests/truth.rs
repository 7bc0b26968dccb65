//! That the gate finds changes of an overlay by what the simulator measures of them, names each, and
//! tells its size: the overlay is Chord in a wrapper that can be made to send more.
use std::marker::PhantomData;
use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;

use overlay_chord::Chord;
use overlay_core::{
    Blob, Class, Command, Ctx, Effect, Message, NodeId, Overlay, Role, Setting, StateSize, Strategy,
};
use peerbench_measure::{Driver, Key, RunFolder, RunRecord, Setup, Silent, Status};
use peerbench_reports::gate::{Gate, Row, Side, Verdict, judge};
use peerbench_scenario::{Document, Scenario};
use serde::{Deserialize, Serialize};

/// What is changed about the overlay.
trait Change: Clone + Send + 'static {
    /// Whether every search sends one more message.
    const IDLE: bool;
    /// Of ten messages, so many are a byte longer.
    const LONGER: u8;
}

#[derive(Clone)]
struct Nothing;
impl Change for Nothing {
    const IDLE: bool = false;
    const LONGER: u8 = 0;
}

#[derive(Clone)]
struct OneMessageMore;
impl Change for OneMessageMore {
    const IDLE: bool = true;
    const LONGER: u8 = 0;
}

#[derive(Clone)]
struct LongerMessages;
impl Change for LongerMessages {
    const IDLE: bool = false;
    const LONGER: u8 = 7;
}

/// An overlay with a change.
struct Changed<O, C> {
    own: O,
    sent: u8,
    change: PhantomData<C>,
}

/// What nodes of it say.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "M: Message")]
enum Said<M> {
    /// The overlay's own message, with bytes that mean nothing.
    Own(M, Vec<u8>),
    /// Nothing.
    Idle,
}

impl<M: Message> Message for Said<M> {
    fn class(&self) -> Class {
        match self {
            Self::Own(own, _) => own.class(),
            Self::Idle => Class::Lookup,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Own(own, _) => own.kind(),
            Self::Idle => "idle talk",
        }
    }

    fn blob(&self) -> Option<&Blob> {
        match self {
            Self::Own(own, _) => own.blob(),
            Self::Idle => None,
        }
    }

    fn blob_mut(&mut self) -> Option<&mut Blob> {
        match self {
            Self::Own(own, _) => own.blob_mut(),
            Self::Idle => None,
        }
    }
}

type Cx<'a, O, C> = Ctx<'a, Changed<O, C>>;

impl<O: Overlay, C: Change> Changed<O, C> {
    /// Lets the overlay do something, and passes on what it asks for.
    fn let_own<T>(
        &mut self,
        cx: &mut Cx<'_, O, C>,
        act: impl FnOnce(&mut O, &mut Ctx<'_, O>) -> T,
    ) -> T {
        let mut effects = Vec::new();
        let outcome = act(&mut self.own, &mut own_context(cx, &mut effects));
        for effect in effects {
            let effect = self.pass_on(effect);
            cx.effects.push(effect);
        }
        outcome
    }

    fn pass_on(&mut self, effect: Effect<O>) -> Effect<Self> {
        match effect {
            Effect::Send { to, message } => {
                self.sent = (self.sent + 1) % 10;
                let more = vec![0; usize::from(self.sent < C::LONGER)];
                Effect::Send { to, message: Said::Own(message, more) }
            }
            Effect::SetTimer { after, timer } => Effect::SetTimer { after, timer },
            Effect::Emit(event) => Effect::Emit(event),
        }
    }
}

fn own_context<'a, O: Overlay, C: Change>(
    cx: &'a mut Cx<'_, O, C>,
    effects: &'a mut Vec<Effect<O>>,
) -> Ctx<'a, O> {
    let Ctx { me, now, config, conduct, uplink, .. } = *cx;
    Ctx { me, now, config, conduct, uplink, rng: cx.rng, effects }
}

impl<O: Overlay, C: Change> Overlay for Changed<O, C> {
    const NAME: &'static str = O::NAME;
    const STRATEGIES: &'static [Strategy] = O::STRATEGIES;
    type Config = O::Config;
    type Message = Said<O::Message>;
    type Timer = O::Timer;
    type Oracle = O::Oracle;

    fn check(config: &O::Config, nodes: u32) -> Result<(), (&'static str, String)> {
        O::check(config, nodes)
    }

    fn new(cx: &mut Ctx<'_, Self>) -> Self {
        let mut effects = Vec::new();
        let own = O::new(&mut own_context(cx, &mut effects));
        let mut node = Self { own, sent: 0, change: PhantomData };
        for effect in effects {
            let effect = node.pass_on(effect);
            cx.effects.push(effect);
        }
        node
    }

    fn on_command(&mut self, command: Command, cx: &mut Ctx<'_, Self>) {
        self.let_own(cx, |own, cx| own.on_command(command, cx));
        let listener = self.own.neighbors(cx.config).first().copied();
        if let (true, Command::Search { .. }, Some(to)) = (C::IDLE, command, listener) {
            cx.send(to, Said::Idle);
        }
    }

    fn on_message(&mut self, from: NodeId, message: Self::Message, cx: &mut Ctx<'_, Self>) {
        if let Said::Own(message, _) = message {
            self.let_own(cx, |own, cx| own.on_message(from, message, cx));
        }
    }

    fn on_timer(&mut self, timer: O::Timer, cx: &mut Ctx<'_, Self>) {
        self.let_own(cx, |own, cx| own.on_timer(timer, cx));
    }

    fn on_peer_lost(&mut self, peer: NodeId, cx: &mut Ctx<'_, Self>) {
        self.let_own(cx, |own, cx| own.on_peer_lost(peer, cx));
    }

    fn state(&self, config: &O::Config) -> StateSize {
        self.own.state(config)
    }

    fn neighbors(&self, config: &O::Config) -> Vec<NodeId> {
        self.own.neighbors(config)
    }

    fn holds(&self, key: &overlay_core::Key) -> bool {
        self.own.holds(key)
    }

    fn role(&self) -> Role {
        self.own.role()
    }

    fn oracle(config: &O::Config, setting: &dyn Setting) -> O::Oracle {
        O::oracle(config, setting)
    }

    fn settle(&mut self, oracle: &O::Oracle, cx: &mut Ctx<'_, Self>) {
        self.let_own(cx, |own, cx| own.settle(oracle, cx));
    }
}

/// The steady world of the baselines.
fn scenario() -> Scenario {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("baselines/worlds/steady.yaml");
    let document = Document::read(&path).expect("it is committed");
    document.scenario().expect("it is sound")
}

/// What the simulator measures of an overlay under these seeds.
fn measured<O: Overlay>(seeds: impl IntoIterator<Item = u64>) -> Side {
    let scenario = scenario();
    let mut folder = RunFolder::in_memory(Setup {
        overlays: vec![O::NAME.to_owned()],
        scenario: scenario.name.clone(),
        scenario_yaml: scenario.to_yaml(),
        scenario_digest: scenario.digest(),
        command_line: Vec::new(),
        run_again: String::new(),
    });
    for seed in seeds {
        let stop = AtomicBool::new(false);
        let config = O::Config::default();
        let run = peerbench_simulator::run::<O>(&scenario, &config, seed, &Silent, &stop);
        let measurement = run.expect("its matrix comes with the program").measurement;
        let key = Key {
            overlay: O::NAME.to_owned(),
            scenario: scenario.name.clone(),
            driver: Driver::Simulator,
            n: scenario.nodes,
            seed,
            round: 0,
        };
        let record = RunRecord::new(key, scenario.digest(), Status::Ok, &measurement);
        folder.append(&record, &measurement).expect("memory takes everything");
    }
    folder.finish(Status::Ok).expect("memory takes everything");
    Side::of_run(&folder)
}

fn compared<C: Change>() -> Gate {
    static BASE: LazyLock<Side> = LazyLock::new(|| measured::<Changed<Chord, Nothing>>(1..=16));
    judge(&BASE, &measured::<Changed<Chord, C>>(1..=16))
}

fn row<'a>(gate: &'a Gate, figure: &str) -> &'a Row {
    let mut rows = gate.cases[0].rows.iter();
    rows.find(|row| row.figure == figure).unwrap_or_else(|| panic!("no {figure}"))
}

#[test]
fn the_same_overlay_is_identical() {
    let gate = compared::<Nothing>();
    assert_eq!(gate.verdict, Verdict::Identical);
    assert_eq!(gate.cases[0].equal, 16);
}

#[test]
fn one_message_more_a_lookup_is_found_and_its_size_told() {
    let gate = compared::<OneMessageMore>();
    assert_eq!(gate.verdict, Verdict::Worse);
    let messages = row(&gate, "lookup_messages");
    assert_eq!(messages.verdict, Verdict::Worse);
    // A search for what the node itself is responsible for counts its message, too.
    let more = messages.base * (messages.change.estimate - 1.0);
    assert!((more - 1.0).abs() < 0.05, "{more} messages more");
    assert!(gate.terminal(100, false).contains("lookup_messages"));
    assert_eq!(row(&gate, "lookup_correct_ratio").verdict, Verdict::Identical);
}

#[test]
fn two_percent_more_bytes_are_found_and_their_size_told() {
    let gate = compared::<LongerMessages>();
    assert_eq!(gate.verdict, Verdict::Worse);
    let bytes = row(&gate, "lookup_bytes");
    assert_eq!(bytes.verdict, Verdict::Worse);
    let change = bytes.change.estimate;
    assert!((1.01..1.04).contains(&change), "×{change}");
    assert_eq!(row(&gate, "lookup_messages").verdict, Verdict::Identical);
    assert_eq!(row(&gate, "lookup_hops_mean").verdict, Verdict::Identical);
}
