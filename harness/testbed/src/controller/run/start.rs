//! The start of a run: every process takes the same steps, and none goes on before all have.
use std::collections::BTreeMap;
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

/// A sign of a process that it has taken a step of its start.
enum Sign {
    Connected,
    Listening(Vec<Address>),
    Ready,
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
        let Some(_) = self.gather("waiting for processes", progress, stop).await? else {
            return Ok(false);
        };
        for number in 0..self.count() {
            let nodes = self.processes.0[number as usize].nodes.clone();
            self.hub.tell(number, &Order::Setup(Setup { nodes, ..self.setup.clone() })).await;
        }
        let Some(signs) = self.gather("waiting for nodes to listen", progress, stop).await? else {
            return Ok(false);
        };
        let table = signs.into_values().flat_map(|sign| match sign {
            Sign::Listening(addresses) => addresses,
            Sign::Connected | Sign::Ready => Vec::new(),
        });
        self.returns.table = table.collect();
        let table = Order::Table(self.returns.table.clone());
        for number in 0..self.count() {
            self.hub.tell(number, &table).await;
        }
        let Some(_) = self.gather("handing out addresses", progress, stop).await? else {
            return Ok(false);
        };
        self.start = Moment::now() + LEAD + LEAD_EACH * self.count();
        for number in 0..self.count() {
            self.hub.tell(number, &Order::Go(self.start)).await;
        }
        Ok(true)
    }

    /// Waits for a sign of every process; `None` if stopped.
    async fn gather(
        &mut self,
        phase: &'static str,
        progress: &dyn Progress,
        stop: &AtomicBool,
    ) -> Result<Option<BTreeMap<u32, Sign>>, Error> {
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
                signs.insert(number, self.sign(number, word)?);
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

    fn sign(&self, number: u32, word: Word) -> Result<Sign, Error> {
        match word {
            Word::Connected => Ok(Sign::Connected),
            Word::Gone => Err(self.failure(number, "its control connection ended")),
            Word::Notice(notice) => match *notice {
                Notice::Listening(addresses) => Ok(Sign::Listening(addresses)),
                Notice::Ready => Ok(Sign::Ready),
                Notice::Failed(why) => Err(self.failure(number, &why)),
                _ => Err(self.failure(number, "it said something out of turn")),
            },
        }
    }
}
