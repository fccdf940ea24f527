//! The actions: JSON in, the twin's answer out.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use podio_aws::queue::twin::{BatchResult, Entry, MAX_WAIT, NewMessage, Receive, Received, Sent, Settings, SqsError};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{ACCOUNT, Refusal, Store, queue_arn, wire};

/// Who answers.
pub(super) struct Endpoint {
    pub(super) store: Arc<Store>,
    pub(super) url: String,
    pub(super) region: String,
}

impl Endpoint {
    /// Carries out `action` and returns the JSON of its answer, empty for those that answer nothing.
    pub(super) async fn perform(&self, action: &str, body: &[u8]) -> Result<String, Refusal> {
        let answer = match action {
            "CreateQueue" => self.create_queue(read(body)?)?,
            "GetQueueUrl" => self.get_queue_url(&read(body)?)?,
            "ListQueues" => self.list_queues(&read(body)?),
            "GetQueueAttributes" => self.get_attributes(&read(body)?)?,
            "SetQueueAttributes" => self.set_attributes(&read(body)?)?,
            "PurgeQueue" => self.purge(&read(body)?)?,
            "SendMessage" => self.send(read(body)?)?,
            "SendMessageBatch" => self.send_batch(read(body)?)?,
            "ReceiveMessage" => self.receive(read(body)?).await?,
            "DeleteMessage" => self.delete(&read(body)?)?,
            "DeleteMessageBatch" => self.delete_batch(read(body)?)?,
            "ChangeMessageVisibility" => self.change_visibility(&read(body)?)?,
            "ChangeMessageVisibilityBatch" => self.change_visibility_batch(read(body)?)?,
            unknown => return Err(Refusal::UnknownAction(unknown.to_owned())),
        };
        Ok(if answer.is_null() { String::new() } else { answer.to_string() })
    }

    fn create_queue(&self, request: wire::CreateQueue) -> Result<Value, Refusal> {
        let name = &request.queue_name;
        self.store.write(|sqs, _| {
            // What the request leaves out is no difference to a queue that is there already.
            let base = sqs.settings(name).cloned().unwrap_or_default();
            sqs.create_queue(name, base.with(&request.attributes)?)
        })?;
        Ok(json!({"QueueUrl": self.queue_url(name)}))
    }

    fn get_queue_url(&self, request: &wire::GetQueueUrl) -> Result<Value, Refusal> {
        self.store.read(|sqs, _| sqs.settings(&request.queue_name).map(drop))?;
        Ok(json!({"QueueUrl": self.queue_url(&request.queue_name)}))
    }

    fn list_queues(&self, request: &wire::ListQueues) -> Value {
        let urls: Vec<_> = self.store.read(|sqs, _| {
            sqs.queue_names()
                .filter(|name| name.starts_with(&request.queue_name_prefix))
                .map(|name| self.queue_url(name))
                .collect()
        });
        json!({"QueueUrls": urls})
    }

    fn get_attributes(&self, request: &wire::GetQueueAttributes) -> Result<Value, Refusal> {
        let queue = queue_name(&request.queue_url);
        let (settings, counts) = self.store.read(|sqs, now| {
            let settings = sqs.settings(queue)?.clone();
            Ok::<_, SqsError>((settings, sqs.counts(queue, now)?))
        })?;
        let mut attributes = self.settings_attributes(queue, &settings);
        attributes.insert("ApproximateNumberOfMessages", counts.visible.to_string());
        attributes.insert("ApproximateNumberOfMessagesNotVisible", counts.in_flight.to_string());
        attributes.insert("ApproximateNumberOfMessagesDelayed", counts.delayed.to_string());
        keep_asked_for(&mut attributes, &request.attribute_names);
        Ok(if attributes.is_empty() { json!({}) } else { json!({"Attributes": attributes}) })
    }

    fn settings_attributes(&self, queue: &str, settings: &Settings) -> BTreeMap<&'static str, String> {
        let mut attributes = BTreeMap::from([
            ("QueueArn", queue_arn(&self.region, queue)),
            ("VisibilityTimeout", settings.visibility_timeout.as_secs().to_string()),
            ("DelaySeconds", settings.delay.as_secs().to_string()),
            ("MessageRetentionPeriod", settings.retention.as_secs().to_string()),
            ("ReceiveMessageWaitTimeSeconds", settings.wait.as_secs().to_string()),
        ]);
        if let Some(policy) = &settings.redrive {
            let target = queue_arn(&self.region, &policy.dead_letter_queue);
            let policy = json!({"deadLetterTargetArn": target, "maxReceiveCount": policy.max_receive_count});
            attributes.insert("RedrivePolicy", policy.to_string());
        }
        attributes
    }

    fn set_attributes(&self, request: &wire::SetQueueAttributes) -> Result<Value, Refusal> {
        let queue = queue_name(&request.queue_url);
        self.store.write(|sqs, _| {
            let settings = sqs.settings(queue)?.clone().with(&request.attributes)?;
            sqs.set_settings(queue, settings)
        })?;
        Ok(Value::Null)
    }

    fn purge(&self, request: &wire::Queue) -> Result<Value, Refusal> {
        self.store.write(|sqs, now| sqs.purge(queue_name(&request.queue_url), now))?;
        Ok(Value::Null)
    }

    fn send(&self, request: wire::SendMessage) -> Result<Value, Refusal> {
        let message = new_message(request.message)?;
        let sent = self.store.write(|sqs, now| sqs.send(queue_name(&request.queue_url), message, now))?;
        Ok(sent_answer(&sent))
    }

    fn send_batch(&self, request: wire::Batch<wire::Message>) -> Result<Value, Refusal> {
        let entry = |entry: wire::BatchEntry<_>| Ok(Entry::new(entry.id, new_message(entry.request)?));
        let entries = request.entries.into_iter().map(entry).collect::<Result<_, Refusal>>()?;
        let results = self.store.write(|sqs, now| sqs.send_batch(queue_name(&request.queue_url), entries, now))?;
        batch_answer(results, |id, sent| {
            let mut answer = sent_answer(&sent);
            answer["Id"] = id.into();
            answer
        })
    }

    async fn receive(&self, request: wire::ReceiveMessage) -> Result<Value, Refusal> {
        let queue = queue_name(&request.queue_url);
        let max = usize::try_from(request.max_number_of_messages.unwrap_or(1)).unwrap_or(0);
        let visibility_timeout =
            request.visibility_timeout.map(|number| seconds("VisibilityTimeout", number)).transpose()?;
        let wait = match request.wait_time_seconds {
            Some(number) => seconds("WaitTimeSeconds", number)?,
            None => self.store.read(|sqs, _| sqs.settings(queue).map(|settings| settings.wait))?,
        };
        if wait > MAX_WAIT {
            let parameter = "WaitTimeSeconds";
            return Err(SqsError::InvalidParameterValue { parameter, reason: "must be >= 0 and <= 20" }.into());
        }
        let receive = Receive { visibility_timeout, ..Receive::up_to(max) };
        let received = self.store.receive(queue, &receive, wait).await?;
        let mut names = request.message_system_attribute_names;
        names.extend(request.attribute_names);
        let messages: Vec<_> =
            received.into_iter().map(|message| received_answer(message, &names, &self.region)).collect();
        Ok(if messages.is_empty() { json!({}) } else { json!({"Messages": messages}) })
    }

    fn delete(&self, request: &wire::DeleteMessage) -> Result<Value, Refusal> {
        let (queue, handle) = (queue_name(&request.queue_url), &request.handle.receipt_handle);
        self.store.write(|sqs, now| sqs.delete(queue, handle, now))?;
        Ok(Value::Null)
    }

    fn delete_batch(&self, request: wire::Batch<wire::Handle>) -> Result<Value, Refusal> {
        let entry = |entry: wire::BatchEntry<wire::Handle>| Entry::new(entry.id, entry.request.receipt_handle);
        let entries = request.entries.into_iter().map(entry).collect();
        let results = self.store.write(|sqs, now| sqs.delete_batch(queue_name(&request.queue_url), entries, now))?;
        batch_answer(results, |id, ()| json!({"Id": id}))
    }

    fn change_visibility(&self, request: &wire::ChangeMessageVisibility) -> Result<Value, Refusal> {
        let (queue, handle) = (queue_name(&request.queue_url), &request.visibility.receipt_handle);
        let timeout = seconds("VisibilityTimeout", request.visibility.visibility_timeout)?;
        self.store.write(|sqs, now| sqs.change_visibility(queue, handle, timeout, now))?;
        Ok(Value::Null)
    }

    fn change_visibility_batch(&self, request: wire::Batch<wire::Visibility>) -> Result<Value, Refusal> {
        let entry = |entry: wire::BatchEntry<wire::Visibility>| {
            let timeout = seconds("VisibilityTimeout", entry.request.visibility_timeout)?;
            Ok(Entry::new(entry.id, (entry.request.receipt_handle, timeout)))
        };
        let entries = request.entries.into_iter().map(entry).collect::<Result<_, Refusal>>()?;
        let results =
            self.store.write(|sqs, now| sqs.change_visibility_batch(queue_name(&request.queue_url), entries, now))?;
        batch_answer(results, |id, ()| json!({"Id": id}))
    }

    fn queue_url(&self, queue: &str) -> String {
        format!("{}/{ACCOUNT}/{queue}", self.url)
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    // An action without parameters may come without a body.
    Ok(serde_json::from_slice(if body.is_empty() { b"{}" } else { body })?)
}

/// The queue of a URL. Only the path counts, so that URLs of an earlier run, on another port, stay good.
fn queue_name(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or_default()
}

fn seconds(parameter: &'static str, number: i64) -> Result<Duration, Refusal> {
    let number = u64::try_from(number)
        .map_err(|_| SqsError::InvalidParameterValue { parameter, reason: "must not be negative" })?;
    Ok(Duration::from_secs(number))
}

fn new_message(message: wire::Message) -> Result<NewMessage, Refusal> {
    if !message.message_attributes.is_empty() {
        return Err(Refusal::Unsupported("message attributes"));
    }
    if message.message_group_id.is_some() {
        return Err(Refusal::Unsupported("message groups"));
    }
    let delay = message.delay_seconds.map(|number| seconds("DelaySeconds", number)).transpose()?;
    Ok(NewMessage { body: message.message_body, delay })
}

fn sent_answer(sent: &Sent) -> Value {
    json!({"MessageId": sent.message_id.as_str(), "MD5OfMessageBody": sent.md5_of_body})
}

fn batch_answer<T>(results: BatchResult<T>, success: impl Fn(String, T) -> Value) -> Result<Value, Refusal> {
    let mut answer = wire::BatchAnswer { successful: Vec::new(), failed: Vec::new() };
    for (id, result) in results {
        match result {
            Ok(done) => answer.successful.push(success(id, done)),
            Err(error) => answer.failed.push(wire::BatchFailure {
                id,
                sender_fault: true,
                code: error.code(),
                message: error.to_string(),
            }),
        }
    }
    Ok(serde_json::to_value(answer)?)
}

fn received_answer(message: Received, names: &[String], region: &str) -> wire::ReceivedMessage {
    let mut attributes = BTreeMap::from([
        ("SenderId", ACCOUNT.to_owned()),
        ("SentTimestamp", message.sent_at.as_millisecond().to_string()),
        ("ApproximateReceiveCount", message.receive_count.to_string()),
        ("ApproximateFirstReceiveTimestamp", message.first_received_at.as_millisecond().to_string()),
    ]);
    if let Some(source) = &message.dead_letter_source {
        attributes.insert("DeadLetterQueueSourceArn", queue_arn(region, source));
    }
    keep_asked_for(&mut attributes, names);
    wire::ReceivedMessage {
        message_id: message.message_id.to_string(),
        receipt_handle: message.receipt_handle,
        body: message.body,
        md5_of_body: message.md5_of_body,
        attributes,
    }
}

fn keep_asked_for(attributes: &mut BTreeMap<&'static str, String>, names: &[String]) {
    if !names.iter().any(|name| name == "All") {
        attributes.retain(|name, _| names.iter().any(|asked| asked == name));
    }
}
