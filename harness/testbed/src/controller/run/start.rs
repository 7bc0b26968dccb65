//! The start of a run: every process takes the same steps, and none goes on before all have.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use overlay_core::Oracle;
use peerbench_measure::Progress;
use tokio::time::{Instant, timeout_at};

use super::{LOOK, Run};
use crate::Error;
use crate::clock::Moment;
use crate::control::{Address, Notice, Order, Setup};
use crate::controller::hub::Word;

/// How long the slowest process may take over a step of its start, for one process and for each
/// other one on the machine.
const STEP_WITHIN: Duration = Duration::from_secs(20);
const STEP_WITHIN_EACH: Duration = Duration::from_millis(100);
/// Between the order to start and the start: all processes are to have heard it by then.
const LEAD: Duration = Duration::from_millis(100);
const LEAD_EACH: Duration = Duration::from_millis(1);

/// A step of the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The process is there.
    Connect,
    /// Its nodes listen.
    Listen,
    /// It knows everybody's addresses.
    Ready,
}

impl Step {
    /// What the run waits for meanwhile.
    const fn phase(self) -> &'static str {
        match self {
            Self::Connect => "waiting for processes",
            Self::Listen => "waiting for nodes to listen",
            Self::Ready => "handing out addresses",
        }
    }
}

impl<R: Oracle> Run<R> {
    /// Brings all processes to the start; false if it was stopped on the way.
    ///
    /// # Errors
    /// If a process ends, gives up, or does not get there in time.
    pub(in crate::controller) async fn prepare(
        &mut self,
        progress: &dyn Progress,
        stop: &AtomicBool,
    ) -> Result<bool, Error> {
        let Some(_) = self.gather(Step::Connect, progress, stop).await? else {
            return Ok(false);
        };
        for number in 0..self.count() {
            let nodes = self.processes.0[number as usize].nodes.clone();
            self.hub.tell(number, &Order::Setup(Setup { nodes, ..self.setup.clone() })).await;
        }
        let Some(signs) = self.gather(Step::Listen, progress, stop).await? else {
            return Ok(false);
        };
        self.returns.table = self.table(signs)?;
        let table = Order::Table(self.returns.table.clone());
        for number in 0..self.count() {
            self.hub.tell(number, &table).await;
        }
        let Some(_) = self.gather(Step::Ready, progress, stop).await? else {
            return Ok(false);
        };
        self.start = Moment::now() + LEAD + LEAD_EACH * self.count();
        for number in 0..self.count() {
            self.hub.tell(number, &Order::Go(self.start)).await;
        }
        Ok(true)
    }

    /// Waits until every process has taken this step; `None` if stopped.
    async fn gather(
        &mut self,
        step: Step,
        progress: &dyn Progress,
        stop: &AtomicBool,
    ) -> Result<Option<BTreeMap<u32, Vec<Address>>>, Error> {
        let phase = step.phase();
        progress.phase(phase);
        let within = STEP_WITHIN + STEP_WITHIN_EACH * self.count();
        let deadline = Instant::now() + within;
        let mut signs = BTreeMap::new();
        while signs.len() < self.count() as usize {
            if stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            if let Ok(Some((number, word))) =
                timeout_at(Instant::now() + LOOK, self.hub.next()).await
            {
                signs.insert(number, self.sign(step, number, word)?);
                progress.advance(signs.len() as u64, u64::from(self.count()));
                continue;
            }
            let exited =
                (0..self.count()).find(|number| self.processes.0[*number as usize].has_exited());
            if let Some(number) = exited {
                return Err(self.failure(number, "it exited; its own words are above"));
            }
            if Instant::now() >= deadline {
                let missing = (0..self.count()).filter(|number| !signs.contains_key(number));
                let missing = self.processes.name(missing);
                return Err(Error::Deadline { phase, missing, seconds: within.as_secs() });
            }
        }
        Ok(Some(signs))
    }

    /// The addresses that come with a process's sign that it has taken this step, if any do.
    fn sign(&self, step: Step, number: u32, word: Word) -> Result<Vec<Address>, Error> {
        let notice = match word {
            Word::Connected if step == Step::Connect => return Ok(Vec::new()),
            Word::Connected => None,
            Word::Gone => return Err(self.failure(number, "its control connection ended")),
            Word::Notice(notice) => Some(*notice),
        };
        let nodes = self.processes.0[number as usize].nodes.len();
        match (step, notice) {
            (Step::Listen, Some(Notice::Listening(addresses))) if addresses.len() == nodes => {
                Ok(addresses)
            }
            (Step::Ready, Some(Notice::Ready)) => Ok(Vec::new()),
            (_, Some(Notice::Failed(why))) => Err(self.failure(number, &why)),
            _ => Err(self.failure(number, "it said something out of turn")),
        }
    }

    /// The addresses of all nodes in their order: each has one, and it is nobody else's.
    fn table(&self, signs: BTreeMap<u32, Vec<Address>>) -> Result<Vec<Address>, Error> {
        let (mut peers, mut places) = (BTreeSet::new(), BTreeSet::new());
        for (number, address) in
            signs.iter().flat_map(|(number, all)| all.iter().map(move |one| (*number, one)))
        {
            if !peers.insert(&address.peer) || !places.insert(&address.multiaddress) {
                return Err(self.failure(number, "it told of another node's address as its own"));
            }
        }
        Ok(signs.into_values().flatten().collect())
    }
}
