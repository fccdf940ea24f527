//! Several workers at once, each on a machine of its own, over one world whose time is driven.
//!
//! Everything runs on one thread: the workers' runs, the client's connections, the gateway in front of Podio. The fleet
//! lets all of it go on until nothing moves any more, and only then sets the clock to the next moment at which somebody
//! wants to wake. Nothing in this process can move unseen but bytes in a loopback socket; those are flushed out by
//! sending a byte of one's own after them. Whether that was enough shows afterwards: each recorded call must have taken
//! exactly the latency ([`Fleet::unpunctual`]).

use std::{
    collections::BTreeMap,
    future::{Future, poll_fn},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures::{StreamExt, stream::FuturesUnordered};
use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::{
    ids::OffboardingId,
    ports::{Clock, ReadCalls},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::{Handle, RuntimeFlavor},
};
use worker::Worker;

use crate::{
    clock::SkewedClock,
    gateway::Gateway,
    queue::{Glance, Received},
    world::{Setup, World},
};

/// How long a message that a worker died of stays hidden: as deployed.
const HIDDEN: Duration = Duration::from_secs(360);
/// So often in a row nothing may move before time may: more than the hops between two things that are seen to move.
const CALM: u32 = 12;

/// Who works.
pub struct Staff {
    /// How far each worker's clock is ahead; one worker each.
    pub clocks: Vec<SignedDuration>,
    /// What a call takes.
    pub latency: SignedDuration,
    /// A worker dies so long after the start, at some await of whatever it does then, and another takes its place.
    pub crashes: Vec<SignedDuration>,
}

type Deed = Box<dyn FnOnce(&World)>;
/// A worker at work on its batch.
type Shift = Pin<Box<dyn Future<Output = ()>>>;

/// A world and its workers.
pub struct Fleet {
    /// The world.
    pub world: World,
    gateway: Gateway,
    stations: Vec<Station>,
    /// Whose turn it is.
    next_station: usize,
    runs: FuturesUnordered<Run>,
    agenda: BTreeMap<Timestamp, Vec<Deed>>,
    crashes: Vec<Timestamp>,
    crashed: usize,
    fuse: Arc<AtomicU64>,
    stirs: Arc<AtomicU64>,
    /// What jobs were sent or parked, and the queue as it was seen after so many of these.
    touches: Arc<AtomicU64>,
    glance: Option<(u64, Glance)>,
    log_writes: Arc<AtomicU64>,
    batches: u64,
    flush: (TcpStream, TcpStream),
}

struct Station {
    clock: Arc<dyn Clock>,
    worker: Arc<Worker>,
    busy: bool,
}

impl Fleet {
    /// Workers in a world in which nothing has happened yet.
    pub async fn new(setup: Setup, staff: Staff) -> Self {
        let alone = Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread;
        assert!(alone, "what runs on other threads cannot be seen to move");
        let mut world = World::new(setup).await;
        world.clock.drive();
        world.clock.slow_down(staff.latency);
        world.queues.hide_for(HIDDEN);
        let log_writes = Arc::new(AtomicU64::new(0));
        let written = log_writes.clone();
        world.store.faults().decided_by(move |operation, moment| {
            let counts = operation == "write" && moment == podio_aws::twin::Moment::Before;
            written.fetch_add(counts.into(), Ordering::Relaxed);
            false
        });
        let touches = Arc::new(AtomicU64::new(0));
        let touched = touches.clone();
        world.jobs.faults().decided_by(move |_, _| {
            touched.fetch_add(1, Ordering::Relaxed);
            false
        });
        let stirs = Arc::new(AtomicU64::new(0));
        let gateway = Gateway::open(world.podio.clone(), world.clock.clone(), stirs.clone()).await;
        let stations = staff.clocks.into_iter().map(|ahead| {
            let clock: Arc<dyn Clock> = Arc::new(SkewedClock { clock: world.clock.clone(), ahead });
            let worker = Arc::new(world.wiring.worker(clock.clone(), &gateway.url));
            Station { clock, worker, busy: false }
        });
        let start = world.clock.read();
        Self {
            stations: stations.collect(),
            next_station: 0,
            gateway,
            runs: FuturesUnordered::new(),
            agenda: BTreeMap::new(),
            crashes: staff.crashes.into_iter().map(|after| start + after).collect(),
            crashed: 0,
            fuse: Arc::new(AtomicU64::new(0)),
            stirs,
            touches,
            glance: None,
            log_writes,
            batches: 0,
            flush: loopback().await,
            world,
        }
    }

    /// Does something at that moment.
    pub fn at(&mut self, moment: Timestamp, deed: impl FnOnce(&World) + 'static) {
        self.agenda.entry(moment).or_default().push(Box::new(deed));
    }

    /// Lets time pass until `done`, which is asked whenever a worker has finished a batch, or until `until`; whether it
    /// was done.
    pub async fn run(&mut self, until: Timestamp, mut done: impl FnMut(&World) -> bool) -> bool {
        while self.world.clock.read() < until {
            if self.calm_down().await && done(&self.world) {
                return true;
            }
            // The sweep first, so that what it sends is handed out at the same moment.
            let sweep = self.world.sweep_when_due().await;
            let Some(next) = self.hand_out() else { continue };
            let agenda = self.agenda.keys().next().copied();
            let moments = [Some(until), Some(sweep), next, agenda, self.world.clock.next_waking()];
            self.world.clock.reach(moments.into_iter().flatten().min().unwrap_or(until));
            self.keep_appointments();
        }
        false
    }

    /// Attempts to write the reservation log.
    pub fn log_writes(&self) -> u64 {
        self.log_writes.load(Ordering::Relaxed)
    }

    /// Batches of messages that were handed to workers.
    pub fn batches(&self) -> u64 {
        self.batches
    }

    /// Workers that died.
    pub fn crashed(&self) -> usize {
        self.crashed
    }

    /// Recorded calls that were answered after any other time than the latency. An answer that was held or lost comes
    /// later and is not counted.
    pub async fn unpunctual(&self, id: &OffboardingId) -> usize {
        let calls = self.world.store.calls(id).await.unwrap();
        let latency = self.world.clock.latency();
        let took =
            calls.iter().filter(|call| call.status.is_some()).map(|call| call.answered_at.duration_since(call.at));
        took.filter(|took| *took != latency).count()
    }

    /// Lets everything go on until nothing moves; whether a batch was finished meanwhile.
    async fn calm_down(&mut self) -> bool {
        let (mut calm, mut seen, mut finished) = (0, self.stirs.load(Ordering::Relaxed), false);
        while calm < CALM {
            while let Some(end) = poll_fn(|context| match self.runs.poll_next_unpin(context) {
                Poll::Ready(end) => Poll::Ready(end),
                Poll::Pending => Poll::Ready(None),
            })
            .await
            {
                self.end(end);
                finished = true;
            }
            tokio::task::yield_now().await;
            if calm % (CALM / 2) == 1 {
                self.flush.0.write_all(b"!").await.unwrap();
                self.flush.1.read_exact(&mut [0]).await.unwrap();
            }
            let stirs = self.stirs.load(Ordering::Relaxed);
            calm = if stirs == seen { calm + 1 } else { 0 };
            seen = stirs;
        }
        finished
    }

    fn end(&mut self, end: End) {
        self.batches += 1;
        let station = &mut self.stations[end.station];
        station.busy = false;
        self.glance = None;
        match end.survived {
            true => self.world.queues.settle(&end.messages, self.world.clock.read()),
            false => {
                self.crashed += 1;
                // Whatever it remembered is gone.
                station.worker = Arc::new(self.world.wiring.worker(station.clock.clone(), &self.gateway.url));
            }
        }
    }

    /// Hands a batch to a worker, if one is idle and a batch is there: then none. Else when to look again.
    fn hand_out(&mut self) -> Option<Option<Timestamp>> {
        let now = self.world.clock.read();
        let count = self.stations.len();
        let mut turns = (0..count).map(|turn| (self.next_station + turn) % count);
        let Some(idle) = turns.find(|index| !self.stations[*index].busy) else { return Some(None) };
        let Glance { visible, next } = self.glance(now);
        if visible == 0 {
            return Some(next);
        }
        self.glance = None;
        let messages = self.world.queues.receive(now);
        if messages.is_empty() {
            return None;
        }
        let station = &mut self.stations[idle];
        station.busy = true;
        let worker = station.worker.clone();
        let batch = messages.iter().filter_map(|received| received.message.clone()).collect();
        let run = Run {
            station: idle,
            messages,
            work: Box::pin(async move { worker.handle(batch).await }),
            fuse: self.fuse.clone(),
            stirs: self.stirs.clone(),
        };
        self.runs.push(run);
        self.next_station = (idle + 1) % self.stations.len();
        None
    }

    /// Looks at the queue, unless nothing can have changed there.
    fn glance(&mut self, now: Timestamp) -> Glance {
        let touched = self.touches.load(Ordering::Relaxed);
        match self.glance {
            Some((then, glance)) if then == touched && glance.next.is_none_or(|next| now < next) => glance,
            _ => {
                let glance = self.world.queues.glance(now);
                self.glance = Some((touched, glance));
                glance
            }
        }
    }

    fn keep_appointments(&mut self) {
        let now = self.world.clock.read();
        while let Some(first) = self.agenda.first_entry().filter(|first| *first.key() <= now) {
            first.remove().into_iter().for_each(|deed| deed(&self.world));
        }
        if self.crashes.first().is_some_and(|crash| *crash <= now) {
            self.crashes.remove(0);
            // Some way into the work that comes next, another way each time.
            self.fuse.store(1 + (self.crashed as u64 * 37 + 11) % 97, Ordering::Relaxed);
        }
    }
}

/// One batch in one worker's hands.
struct Run {
    station: usize,
    messages: Vec<Received>,
    work: Shift,
    fuse: Arc<AtomicU64>,
    stirs: Arc<AtomicU64>,
}

/// How it ended, and whether the worker lived to see it.
struct End {
    station: usize,
    messages: Vec<Received>,
    survived: bool,
}

impl Future for Run {
    type Output = End;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<End> {
        self.stirs.fetch_add(1, Ordering::Relaxed);
        let burnt = self.fuse.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |fuse| fuse.checked_sub(1));
        let survived = match burnt {
            Ok(1) => false,
            _ => match self.work.as_mut().poll(context) {
                Poll::Ready(()) => true,
                Poll::Pending => return Poll::Pending,
            },
        };
        Poll::Ready(End { station: self.station, messages: std::mem::take(&mut self.messages), survived })
    }
}

async fn loopback() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (ours, theirs) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
    let (ours, theirs) = (ours.unwrap(), theirs.unwrap().0);
    ours.set_nodelay(true).unwrap();
    (ours, theirs)
}
