//! What each overlay promises when all faults are over: how soon, and in which worlds at all. What it
//! cannot promise is not drawn, and this is where it is said.
use overlay_core::Strategy;
use peerbench_simulator::Links;
use serde_yaml::Value;

use super::dice::Dice;
use super::sketch::Onset;

/// Settings of an overlay's section: field and value.
pub(super) type Section = Vec<(String, String)>;

/// What an overlay promises.
#[derive(Debug)]
pub(super) struct Promise {
    pub(super) overlay: &'static str,
    /// The smallest world.
    pub(super) fewest_nodes: u64,
    /// In milliseconds: from the end of the last fault until everything must be right.
    pub(super) settle: u64,
    /// In milliseconds: how long a search may take, and then a fetch.
    pub(super) timeout: u64,
    /// The largest item, in bytes.
    pub(super) largest_item: u64,
    /// Whether finding is for fetching.
    pub(super) fetches: bool,
    /// The largest share of messages that may be lost, and of pairs of which the one may not reach the
    /// other, in hundredths.
    pub(super) most_lost: u64,
    /// The largest share of messages that may be damaged, in thousandths.
    pub(super) most_damaged: u64,
    /// Whether it stands that single messages are lost or damaged, with this section and then.
    /// Connections do not lose them, and many an overlay counts on that.
    pub(super) stands_loss: fn(&Section, Onset) -> bool,
    /// Whether it stands, with this section and then, that messages are doubled, or overtaken by later ones,
    /// and that connections break at one end while the other one keeps them. Connections do not do that
    /// either.
    pub(super) stands_disorder: fn(&Section, Onset) -> bool,
    /// Whether who publishes while faults strike is told in the end that it is done.
    pub(super) acknowledges: bool,
    /// Whether nodes that were cut off from each other find each other again.
    pub(super) heals_partitions: bool,
    /// The largest share of nodes that may be away at once, in hundredths.
    pub(super) most_away: u64,
    /// How nodes may freeload where nothing is fetched, without harm to what others look for.
    pub(super) freeloading: &'static [Strategy],
    /// Settings of the overlay's section that the promise needs.
    pub(super) needs: &'static [(&'static str, &'static str)],
    /// Others, which vary.
    pub(super) section: fn(Dice, u64) -> Section,
    /// Whether it is promised with what is left of them: by default a field may be what promises nothing.
    pub(super) suffices: fn(&Section) -> bool,
    /// Which neighbours a node should have whatever it has been through, with this section.
    pub(super) links: fn(&Value) -> Links,
}

/// What is promised of an overlay that is not in the table.
const ANY: Promise = Promise {
    overlay: "",
    fewest_nodes: 3,
    settle: 30_000,
    timeout: 4_000,
    largest_item: 2_048,
    fetches: false,
    most_lost: 30,
    most_damaged: 200,
    stands_loss: |_, _| true,
    stands_disorder: |_, _| true,
    acknowledges: true,
    heals_partitions: true,
    most_away: 50,
    freeloading: &[Strategy::NoUpload, Strategy::NoShare],
    needs: &[],
    section: |_, _| Vec::new(),
    suffices: |_| true,
    links: |_| Links::Exactly,
};

const PROMISES: &[Promise] = &[
    Promise {
        overlay: "tracker",
        // A server knows a peer again when that tells it that it is there.
        needs: &[("keep_alive_every", "2s"), ("expire_after", "8s"), ("retry_at_most", "4s")],
        section: tracker,
        // Replicas do not acknowledge copies, and of what another one says the last word counts: that a
        // peer has gone, said twice, and the second time after it has come back, is believed.
        stands_loss: |section, _| !is_replicated(section),
        stands_disorder: |section, onset| !is_replicated(section) || onset == Onset::First,
        // A peer that has moved to another replica, because its own was silent, stays there.
        links: |section| match section["layout"] == "replicated" {
            true => Links::Any,
            false => Links::Exactly,
        },
        ..ANY
    },
    Promise {
        overlay: "flooding",
        // A flood must be able to reach everybody: no path is longer than there are nodes.
        needs: &[("ttl", "40"), ("ping_every", "2s")],
        // Parts of a network without a structure that are content each do not look for each other.
        heals_partitions: false,
        section: flooding,
        suffices: is_whole_ring,
        ..ANY
    },
    Promise { overlay: "chord", needs: CHORD, section: chord, ..RING },
    Promise {
        overlay: "bittorrent",
        timeout: 60_000,
        largest_item: 200_000,
        fetches: true,
        needs: SWARM,
        stands_loss: |_, onset| before_connections(onset),
        stands_disorder: |_, onset| before_connections(onset),
        section: |dice, _| swarm(dice),
        ..ANY
    },
    Promise {
        overlay: "bittorrent-dht",
        timeout: 60_000,
        largest_item: 200_000,
        fetches: true,
        needs: CHORD_AND_SWARM,
        stands_loss: |_, onset| before_connections(onset),
        stands_disorder: |_, onset| before_connections(onset),
        section: bittorrent_dht,
        // Whoever shares a swarm is linked as well.
        links: |_| Links::AtLeast,
        ..RING
    },
];

/// A ring is not promised to stay one if a failure takes all that is alive of somebody's successor list
/// (Zave 2017), and to suspect the living is a failure, too. So nodes look for other rings now and then,
/// and lists are long for what is failing.
///
/// Requests and answers that are lost on a connection that stands are not sent again: what was to be stored
/// comes back when its holder publishes everything anew, and then nobody is told.
const RING: Promise =
    Promise { most_lost: 15, most_damaged: 100, most_away: 30, acknowledges: false, ..ANY };

/// Pointers that are lost with those who kept them come back when the holders publish again.
const CHORD: &[(&str, &str)] = &[("storage.republish_every", "4s"), ("reunite_every", "4s")];

/// A tracker that restarts knows a swarm again when its peers announce themselves, so they do so often;
/// and so is all that ends a wait.
const SWARM: &[(&str, &str)] = &[
    ("announce_every", "5s"),
    ("announce_at_most_every", "2s"),
    ("rechoke_every", "2s"),
    ("optimistic_every", "4s"),
    ("pex_every", "4s"),
    ("snubbed_after", "8s"),
    ("starved_after", "10s"),
    ("handshake_timeout", "3s"),
];

const CHORD_AND_SWARM: &[(&str, &str)] = &[
    ("dht.storage.republish_every", "4s"),
    ("dht.reunite_every", "4s"),
    // Who has had a part of an item, and has forgotten it, is to be forgotten as well.
    ("dht.storage.expire_after", "12s"),
    ("swarm.announce_every", "5s"),
    ("swarm.announce_at_most_every", "2s"),
    ("swarm.rechoke_every", "2s"),
    ("swarm.optimistic_every", "4s"),
    ("swarm.pex_every", "4s"),
    ("swarm.snubbed_after", "8s"),
    ("swarm.starved_after", "10s"),
    ("swarm.handshake_timeout", "3s"),
];

/// What this overlay promises.
pub(super) fn of(overlay: &str) -> &'static Promise {
    PROMISES.iter().find(|it| it.overlay == overlay).unwrap_or(&ANY)
}

fn is_replicated(section: &Section) -> bool {
    section.iter().any(|(_, value)| value == "replicated")
}

fn tracker(dice: Dice, nodes: u64) -> Section {
    let servers = dice.within("servers", 1..=3.min(nodes));
    let layout = if dice.one_in("layout", 2) { "replicated" } else { "partitioned" };
    vec![set("servers", servers), set("layout", layout)]
}

/// Walks promise nothing, nor do the rings of an expanding one that ends sooner.
fn flooding(dice: Dice, _: u64) -> Section {
    let mut section = Vec::new();
    if dice.one_in("rings", 3) {
        section.push(set("search", "expanding-ring"));
        section.push(set("ring_start", 2));
        section.push(set("ring_step", 40));
    }
    if dice.one_in("super-peers", 4) {
        section.push(set("super_peers.uplink", "20Mbit/s"));
    }
    section
}

/// The second ring of an expanding one is to reach everybody, which takes a step that is not the default.
fn is_whole_ring(section: &Section) -> bool {
    let has = |field: &str| section.iter().any(|(its, _)| its == field);
    !has("search") || has("ring_step")
}

fn chord(dice: Dice, _: u64) -> Section {
    let mut section = vec![
        set("successors", dice.within("successors", 6..=8)),
        set("storage.replicas", dice.within("replicas", 1..=3)),
    ];
    if dice.one_in("iterative", 3) {
        section.push(set("lookup", "iterative"));
    }
    if dice.one_in("virtual", 5) {
        section.push(set("virtual_nodes", 2));
    }
    section
}

fn bittorrent_dht(dice: Dice, nodes: u64) -> Section {
    let within = |part: &str, section: Section| {
        let fields =
            section.into_iter().map(|(field, value)| set(&format!("{part}.{field}"), value));
        fields.collect::<Section>()
    };
    [within("dht", chord(dice, nodes)), within("swarm", swarm(dice))].concat()
}

/// Interest, unchoking and what a peer has are said once and never again, and the last word counts: BEP 3
/// counts on TCP. So if one of these is lost, or comes after what was said later, or a connection stands
/// for one end alone, both may wait for each other as long as it does; then no swarm must have
/// connections before that is over.
fn before_connections(onset: Onset) -> bool {
    onset == Onset::First
}

fn swarm(dice: Dice) -> Section {
    let piece = 16 * (1 << dice.within("piece", 0..=2));
    vec![set("piece_length", format!("{piece}KiB"))]
}

fn set(field: &str, value: impl ToString) -> (String, String) {
    (field.to_owned(), value.to_string())
}
