//! The three tables' schema as data, and their creation where no template creates them.
//!
//! `template.yaml` declares the same tables for AWS; these names are the ones it must use.

use aws_sdk_dynamodb::{
    Client,
    error::{BuildError, ProvideErrorMetadata, SdkError},
    operation::create_table::CreateTableError,
    types::{
        AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
        ScalarAttributeType, TimeToLiveSpecification,
    },
};

/// Partition key of every table, a string.
pub const PARTITION_KEY: &str = "pk";
/// Sort key of every table, a string.
pub const SORT_KEY: &str = "sk";
/// The sparse index of offboardings that are at work, held or failed. It holds keys only.
pub const DUE_INDEX: &str = "due";
/// The index's partition key, a string: `active`, `held` or `failed`.
pub const DUE_KIND: &str = "due";
/// The index's sort key, a number: milliseconds since the epoch.
pub const DUE_AT: &str = "due_at";
/// The work table: the sparse index of the jobs that wait.
pub const WORK_INDEX: &str = "work";
/// Its partition key, a string: `ready` or `paused`.
pub const WORK_QUEUE: &str = "work_queue";
/// Its sort key, a string: priority and place of what is ready, the time until which the others pause.
pub const WORK_PLACE: &str = "work_place";
/// What a job needs, as JSON; the index holds it too.
pub const WORK: &str = "work";
/// The sparse index of the removals that wait, by space. It holds keys only.
pub const SPACE_INDEX: &str = "space";
/// Its partition key, a string: the id of the space.
pub const WAITS_FOR_SPACE: &str = "waits_for_space";
/// The index of all offboardings by state. It holds keys only.
pub const STATES_INDEX: &str = "states";
/// That index's partition key, a string: the state's name in the contract.
pub const IN_STATE: &str = "in_state";
/// That index's sort key, a string: the offboarding's id, which begins with the time of its acceptance.
pub const LISTED_AS: &str = "listed_as";
/// TTL of the state table and of the evidence table: seconds since the epoch.
pub const TTL: &str = "expires_at";

/// A table could not be created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// DynamoDB refused, with this code, or did not answer.
    #[error("the table {table} could not be created: {code}")]
    Refused {
        /// The table.
        table: String,
        /// What DynamoDB said.
        code: String,
    },
    /// The request could not be put together.
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// Creates the tables, billed by request. Tables that exist stay as they are.
///
/// # Errors
/// [`CreateError`]; one of the tables may then exist.
pub async fn create_tables(
    client: &Client,
    table: &str,
    credentials_table: &str,
    evidence_table: &str,
) -> Result<(), CreateError> {
    let due = index(DUE_INDEX, DUE_KIND, DUE_AT)?;
    let states = index(STATES_INDEX, IN_STATE, LISTED_AS)?;
    let with_needs = Projection::builder().projection_type(ProjectionType::Include).non_key_attributes(WORK).build();
    let work = GlobalSecondaryIndex::builder()
        .index_name(WORK_INDEX)
        .key_schema(key(WORK_QUEUE, KeyType::Hash)?)
        .key_schema(key(WORK_PLACE, KeyType::Range)?)
        .projection(with_needs)
        .build()?;
    let space = GlobalSecondaryIndex::builder()
        .index_name(SPACE_INDEX)
        .key_schema(key(WAITS_FOR_SPACE, KeyType::Hash)?)
        .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build())
        .build()?;
    let state = plain(client, table)?
        .attribute_definitions(attribute(DUE_KIND, ScalarAttributeType::S)?)
        .attribute_definitions(attribute(DUE_AT, ScalarAttributeType::N)?)
        .attribute_definitions(attribute(WORK_QUEUE, ScalarAttributeType::S)?)
        .attribute_definitions(attribute(WORK_PLACE, ScalarAttributeType::S)?)
        .attribute_definitions(attribute(WAITS_FOR_SPACE, ScalarAttributeType::S)?)
        .attribute_definitions(attribute(IN_STATE, ScalarAttributeType::S)?)
        .attribute_definitions(attribute(LISTED_AS, ScalarAttributeType::S)?)
        .set_global_secondary_indexes(Some(vec![due, states, work, space]));
    for (table, request) in [(table, state), (evidence_table, plain(client, evidence_table)?)] {
        if created(table, request.send().await)? {
            let ttl = TimeToLiveSpecification::builder().enabled(true).attribute_name(TTL).build()?;
            let enabled = client.update_time_to_live().table_name(table).time_to_live_specification(ttl).send().await;
            enabled.map_err(|error| refused(table, &error))?;
        }
    }
    created(credentials_table, plain(client, credentials_table)?.send().await)?;
    Ok(())
}

type CreateTable = aws_sdk_dynamodb::operation::create_table::builders::CreateTableFluentBuilder;

fn plain(client: &Client, table: &str) -> Result<CreateTable, BuildError> {
    Ok(client
        .create_table()
        .table_name(table)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute(PARTITION_KEY, ScalarAttributeType::S)?)
        .attribute_definitions(attribute(SORT_KEY, ScalarAttributeType::S)?)
        .key_schema(key(PARTITION_KEY, KeyType::Hash)?)
        .key_schema(key(SORT_KEY, KeyType::Range)?))
}

fn index(name: &str, partition: &str, sort: &str) -> Result<GlobalSecondaryIndex, BuildError> {
    GlobalSecondaryIndex::builder()
        .index_name(name)
        .key_schema(key(partition, KeyType::Hash)?)
        .key_schema(key(sort, KeyType::Range)?)
        .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build())
        .build()
}

fn key(name: &str, kind: KeyType) -> Result<KeySchemaElement, BuildError> {
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build()
}

fn attribute(name: &str, kind: ScalarAttributeType) -> Result<AttributeDefinition, BuildError> {
    AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build()
}

/// Whether the table is new.
fn created<T>(table: &str, answer: Result<T, SdkError<CreateTableError>>) -> Result<bool, CreateError> {
    match answer {
        Ok(_) => Ok(true),
        Err(SdkError::ServiceError(error)) if error.err().is_resource_in_use_exception() => Ok(false),
        Err(error) => Err(refused(table, &error)),
    }
}

fn refused<E: ProvideErrorMetadata>(table: &str, error: &SdkError<E>) -> CreateError {
    CreateError::Refused { table: table.to_owned(), code: crate::aws_error::code(error).to_owned() }
}
