//! One batch of messages, from the queue's event to its answer.
//!
//! Each order is claimed, its record is read, and its job runs beside the others; then one dispatch books what all of them
//! have to tell and sends whose turn it is. Nothing waits in the queue: what could not be done waits in the work table, so
//! every message is done with, but for one that nobody can read.

use std::panic::AssertUnwindSafe;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use futures::{FutureExt, future::join_all};
use podio_engine::{Message, Order, Report, ports::Claimed};
use podio_lifecycle::{ports::Metric, work::JobId};

use crate::{
    Worker,
    registry::{self, Left},
    session::Session,
};

/// Attempts in a row that may die before a person has to look.
const MOST_DEATHS: u32 = 5;

impl Worker {
    /// Handles an event of the queue. Only a message that nobody can read is reported as a failure: it ends among the dead
    /// letters, where a person finds it.
    ///
    /// # Errors
    /// A message has no id, so that a failure could not be reported.
    pub async fn handle_event(&self, event: SqsEvent) -> Result<SqsBatchResponse, NamelessMessage> {
        let mut response = SqsBatchResponse::default();
        let mut messages = Vec::new();
        for record in event.records {
            let id = record.message_id.ok_or(NamelessMessage)?;
            match Message::decode(record.body.as_deref().unwrap_or_default()) {
                Ok(message) => messages.push(message),
                Err(error) => {
                    tracing::error!(message = %id, %error, "unreadable message");
                    let mut failure = BatchItemFailure::default();
                    failure.item_identifier = id;
                    response.batch_item_failures.push(failure);
                }
            }
        }
        self.handle(messages).await;
        Ok(response)
    }

    /// Handles messages side by side, then dispatches.
    pub async fn handle(&self, messages: Vec<Message>) {
        if let Err(error) = self.context.dispatcher.refresh().await {
            tracing::warn!(%error, "the quota could not be read");
        }
        let orders = messages.into_iter().filter_map(|message| match message {
            Message::Run(order) => Some(order),
            Message::Wake => None,
        });
        let mut report = Report::default();
        for told in join_all(orders.map(|order| self.run_safely(order))).await {
            report.join(told);
        }
        match self.context.dispatcher.dispatch(&report).await {
            Ok(dispatched) if dispatched.other_calls > 0 => {
                tracing::warn!(calls = dispatched.other_calls, "somebody else spends the same quota");
                self.context.ports.metrics.add(Metric::OtherCalls, dispatched.other_calls);
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "nothing was dispatched; the sweep does that"),
        }
    }

    /// Runs one order so that not even a panic reaches its neighbours.
    async fn run_safely(&self, order: Order) -> Report {
        let job = order.job.clone();
        let run = AssertUnwindSafe(self.run_order(order)).catch_unwind();
        run.await.unwrap_or_else(|_| {
            // Nothing is told, so the attempt counts as one that died, and the job is taken up again later.
            tracing::error!(job = %job, "the job panicked");
            Report::default()
        })
    }

    async fn run_order(&self, order: Order) -> Report {
        let attempt = order.attempt();
        match self.context.ports.work.claim(&order.job, attempt).await {
            Ok(Claimed::Yes { deaths }) if deaths >= MOST_DEATHS => {
                tracing::error!(job = %order.job, "given up: its attempts keep dying");
                let given_up = registry::give_up(&self.context, &order.job).await;
                if let Err(error) = given_up {
                    tracing::warn!(job = %order.job, %error, "a job that keeps dying could not be given up");
                }
                untouched(order, false)
            }
            Ok(Claimed::Yes { deaths }) => {
                let mut session = Session::new(&self.access, &order, deaths);
                let left = registry::run(&self.context, &order.job, &mut session).await;
                let mut report = session.finish();
                let waits = match left {
                    Ok(Left::Done) => false,
                    Ok(Left::Waits) => true,
                    Err(error) => {
                        tracing::warn!(job = %order.job, %error, "storage failed; the job is taken up again");
                        self.has_not_died(&order.job).await;
                        true
                    }
                };
                report.ended.push((order, waits));
                report
            }
            // Somebody else has it, or had it and is through.
            Ok(Claimed::No | Claimed::Gone { begun: true }) => Report::default(),
            Ok(Claimed::Gone { begun: false }) => untouched(order, false),
            Err(error) => {
                tracing::warn!(job = %order.job, %error, "storage failed; the job is taken up again");
                // The claim may have been written.
                self.has_not_died(&order.job).await;
                Report { ended: vec![(order, true)], ..Report::default() }
            }
        }
    }

    /// A storage that fails is no job that kills its worker. Should that be impossible to note, the attempt counts as dead.
    async fn has_not_died(&self, job: &JobId) {
        if let Err(error) = self.context.ports.work.survived(job).await {
            tracing::warn!(job = %job, %error, "it could not be noted that the attempt has not died");
        }
    }
}

/// An order whose moments nobody will spend.
fn untouched(order: Order, waits: bool) -> Report {
    Report { unspent: order.moments.clone(), ended: vec![(order, waits)], ..Report::default() }
}

/// A record of the event had no message id, so a failure of it could not be reported: the whole batch shows again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the event holds a message without an id")]
pub struct NamelessMessage;
