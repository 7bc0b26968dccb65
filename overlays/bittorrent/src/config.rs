//! BitTorrent's part of a scenario. Defaults are BEP 3's and the first client's.
use alloc::format;
use alloc::string::String;
use core::time::Duration;

use overlay_core::units::{Bytes, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::metainfo::{BLOCK, LONGEST_PIECE};

/// By what a leecher gives its regular slots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Choking {
    /// To those from whom it gets most (Cohen 2003, section 4).
    #[default]
    TitForTat,
    /// To anybody who is interested, drawn anew each time: what tit-for-tat is measured against.
    Random,
    /// To all who gave in the last round, in proportion to what they gave; a fifth of the uplink by
    /// chance (Levin et al. 2008).
    ProportionalShare,
    /// To everybody, those first who were given least for what they gave (Sherman et al. 2009).
    FairTorrent,
    /// The same, but nothing to those who gave nothing while others wait.
    ProvenFirst,
}

/// By what a seed gives its regular slots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SeedPolicy {
    /// To those who take most from it (Cohen 2003, section 4.4).
    Fastest,
    /// To each for some pieces, but no longer than an optimistic unchoke lasts; those first who have
    /// waited longest. As libtorrent's `round_robin`; the spirit of the first client's later
    /// versions (Legout et al. 2006, section IV-B.3).
    #[default]
    RoundRobin,
    /// In turns, too, but those first who were seen to pass on what they got, as super-seeding (BEP
    /// 16) lets a seed see.
    ProvenContributors,
}

/// Which piece is fetched next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Picking {
    /// A random one until the first is there; then the one that the fewest peers have (Cohen 2003,
    /// section 3.2).
    #[default]
    RarestFirst,
    /// Always a random one: what rarest first is measured against.
    Random,
}

/// What a leecher does when it has everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WhenDone {
    /// It stays in the swarm as a seed.
    #[default]
    Stay,
    /// It leaves the swarm at once.
    Leave,
}

/// BitTorrent's part of a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BittorrentConfig {
    /// The length of a piece: a multiple of 16 KiB, at most 16 MiB. Shorter pieces can be passed on
    /// sooner, and cost more messages. Default 256 KiB (Cohen 2003, section 2.1: a quarter megabyte).
    pub piece_length: Bytes,
    /// By what a leecher serves others: `tit-for-tat`, `proportional-share`, `fair-torrent`,
    /// `proven-first` or `random`.
    pub choking: Choking,
    /// How many interested peers are unchoked by merit, at least 1. Default 4 (BEP 3).
    pub regular_slots: u16,
    /// Whether one more is unchoked by chance, so that better peers can be found.
    pub optimistic_unchoke: bool,
    /// How often slots are given anew. Default 10 s (BEP 3: so that TCP can ramp up).
    pub rechoke_every: Span,
    /// How long an optimistic unchoke lasts, and a seed's turn at most; at least `rechoke_every`. Default
    /// 30 s (BEP 3).
    pub optimistic_every: Span,
    /// A peer that owes blocks and sends none for this long is snubbing us: it gets no regular
    /// slot, and others are asked for what it owes. Default 60 s (Cohen 2003, section 4.3).
    pub snubbed_after: Span,
    /// A leecher that nobody has sent a block for this long looks for other peers, however many it is
    /// connected to, and closes connections in their favour. Default 2 min: a guess, four optimistic
    /// unchokes.
    pub starved_after: Span,
    /// By what a seed gives its slots: `round-robin`, `proven-contributors` or `fastest`. Default
    /// round-robin: it spreads the only source of new pieces.
    pub seed_policy: SeedPolicy,
    /// How many pieces a seed's turn is worth where peers take turns, 1 or more. Fewer spread new
    /// pieces more evenly, and cost more chokes. Default 2: with the 20 of libtorrent's
    /// `seeding_piece_quota`, who has just had a turn has all that others lack.
    pub seed_turn: u16,
    /// Which piece is fetched next: `rarest-first` or `random`.
    pub picking: Picking,
    /// What a leecher does when it has everything: `stay` or `leave`.
    pub when_done: WhenDone,
    /// How long it stays as a seed on average, each for a random time of its own (exponentially
    /// distributed: Qiu and Srikant 2004, section 2, seeds leave at the rate γ = 1 / `seed_for`). Only
    /// where `when_done` is `stay`. Default: for good. Who publishes stays in any case.
    pub seed_for: Option<Span>,
    /// Most connections of a node in one swarm, 1 to 1,000. Default 80 (the first client's
    /// `max_allow_in`).
    pub max_peers: u16,
    /// How many of them it opens itself, the rest being left to those who come. At most
    /// `max_peers`. Default 40 (the first client's `max_initiate`).
    pub max_initiate: u16,
    /// With fewer connections than this a node asks the tracker for more. Default 20 (the first
    /// client's `min_peers`).
    pub min_peers: u16,
    /// How many peers the tracker names at once, at most 1,000. Default 50 (BEP 3's `numwant`).
    pub num_want: u16,
    /// How often a node announces itself. Default 30 min (the first client's
    /// `reannounce_interval`).
    pub announce_every: Span,
    /// The least time between two announcements that ask for more peers. Default 30 s: so that a
    /// small swarm, which never has enough, costs its tracker little.
    pub announce_at_most_every: Span,
    /// Whether connected peers tell each other whom else they are connected to (BEP 11). Absent or
    /// `null`: where there is no tracker, which names more peers than they would.
    pub pex: Option<bool>,
    /// How often they do so after the first time, at most; whole numbers of `rechoke_every`. Default
    /// 1 min (BEP 11).
    pub pex_every: Span,
    /// How long an answer to a handshake may take. Default 30 s: a guess, far above any round trip.
    pub handshake_timeout: Span,
    /// Fewest requests under way at a peer that has unchoked us, 1 or more, but always as many as a
    /// piece has blocks; what comes within `request_ahead` is added. Default 5 (Cohen 2003, section
    /// 3.1).
    pub min_requests: u16,
    /// How far requests run ahead: the time whose blocks are added. Longer than a round trip and a
    /// block ahead at the sender. Default 500 ms: the longest measured round trip is a third of a
    /// second; and what is asked of a busy peer is not asked of an idle one, so not much longer.
    pub request_ahead: Span,
    /// Most requests under way at a peer, and most that a peer may have waiting here. Default 250:
    /// 4 MB, two seconds of 16 Mbit/s.
    pub max_requests: u16,
    /// How much is given to the uplink ahead, as the time it takes to send. Requested blocks beyond
    /// that wait here, so that a choke stops them and small messages need not wait behind them.
    /// Default 100 ms: much longer than a timer is ever late.
    pub upload_ahead: Span,
}

impl Default for BittorrentConfig {
    fn default() -> Self {
        Self {
            piece_length: Bytes(256 * 1024),
            choking: Choking::TitForTat,
            regular_slots: 4,
            optimistic_unchoke: true,
            rechoke_every: Span(Duration::from_secs(10)),
            optimistic_every: Span(Duration::from_secs(30)),
            snubbed_after: Span(Duration::from_secs(60)),
            starved_after: Span(Duration::from_secs(120)),
            seed_policy: SeedPolicy::RoundRobin,
            seed_turn: 2,
            picking: Picking::RarestFirst,
            when_done: WhenDone::Stay,
            seed_for: None,
            max_peers: 80,
            max_initiate: 40,
            min_peers: 20,
            num_want: 50,
            announce_every: Span(Duration::from_secs(1_800)),
            announce_at_most_every: Span(Duration::from_secs(30)),
            pex: None,
            pex_every: Span(Duration::from_secs(60)),
            handshake_timeout: Span(Duration::from_secs(30)),
            min_requests: 5,
            request_ahead: Span(Duration::from_millis(500)),
            max_requests: 250,
            upload_ahead: Span(Duration::from_millis(100)),
        }
    }
}

impl BittorrentConfig {
    /// How many interested peers are unchoked at once, unless they are snubbing.
    #[must_use]
    pub const fn slots(&self) -> usize {
        self.regular_slots as usize + self.optimistic_unchoke as usize
    }

    pub(crate) fn check(&self) -> Result<(), (&'static str, String)> {
        let piece = self.piece_length.0;
        if piece == 0 || piece > u64::from(LONGEST_PIECE) || !piece.is_multiple_of(BLOCK.into()) {
            let message = "is not a multiple of 16KiB up to 16MiB";
            return Err(("piece_length", format!("{} {message}", self.piece_length)));
        }
        let counts = [
            ("regular_slots", self.regular_slots, 1_000),
            ("max_peers", self.max_peers, 1_000),
            ("max_initiate", self.max_initiate, self.max_peers),
            ("num_want", self.num_want, 1_000),
            ("seed_turn", self.seed_turn, u16::MAX),
            ("min_requests", self.min_requests, self.max_requests),
            ("max_requests", self.max_requests, u16::MAX),
        ];
        for (field, count, most) in counts {
            if !(1..=most).contains(&count) {
                return Err((field, format!("{count} is not from 1 to {most}")));
            }
        }
        let spans = [
            ("rechoke_every", self.rechoke_every),
            ("snubbed_after", self.snubbed_after),
            ("starved_after", self.starved_after),
            ("announce_every", self.announce_every),
            ("announce_at_most_every", self.announce_at_most_every),
            ("pex_every", self.pex_every),
            ("handshake_timeout", self.handshake_timeout),
            ("request_ahead", self.request_ahead),
            ("upload_ahead", self.upload_ahead),
        ];
        for (field, span) in spans {
            if span.0 < Duration::from_millis(1) {
                return Err((field, format!("{span} would keep a node busy: use 1ms or more")));
            }
        }
        if let Some(seed_for) = self.seed_for.filter(|_| self.when_done == WhenDone::Leave) {
            let message = format!("it is {seed_for}, but `when_done` says `leave`");
            return Err(("seed_for", message));
        }
        if self.optimistic_every < self.rechoke_every {
            let message = format!("it is less than `rechoke_every`, {}", self.rechoke_every);
            return Err(("optimistic_every", message));
        }
        Ok(())
    }
}
