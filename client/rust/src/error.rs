use crate::types::{self, ErrorCode};
use reqwest::StatusCode;
use std::{collections::HashMap, fmt, ops::Deref};

/// What every call of this crate returns.
pub type Result<T> = std::result::Result<T, ArtifactRegistryError>;

/// The one error type of this crate. It holds the error that the function answered, or says why the function could not be
/// asked. It has the fields of the wire:
///
/// - `code` and `message`
/// - `retryable`: whether the same call can succeed later by itself
/// - `http_status_code` and `context`
/// - `hint`: what to do about the error
/// - `request_id`: names the call in the function's audit log; empty where no function answered
#[derive(Clone, Debug)]
pub struct ArtifactRegistryError(Box<types::Error>);

impl ArtifactRegistryError {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self(Box::new(types::Error {
            code,
            message: message.into(),
            retryable: false,
            http_status_code: status_of(code).into(),
            context: HashMap::new(),
            hint: None,
            request_id: String::new(),
        }))
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Names the offending input in the error's context.
    pub(crate) fn field(mut self, field: &str) -> Self {
        self.0.context.insert("field".to_owned(), types::ErrorContextValue::String(field.to_owned()));
        self
    }

    pub(crate) fn retryable(mut self) -> Self {
        self.0.retryable = true;
        self
    }

    /// Makes the error for a status that comes from the platform in front of the function, not from the function.
    pub(crate) fn from_platform(status: StatusCode, request_id: &str) -> Self {
        let code = status.as_u16();
        let mut error = match code {
            401 => Self::new(ErrorCode::AuthenticationError, "The platform refused the caller.")
                .hint("See which form of authentication the door expects."),
            403 => Self::new(ErrorCode::AccessDenied, "The platform does not let this caller invoke the function.")
                .hint("Grant the caller the platform's permission to invoke the function."),
            404 => Self::new(ErrorCode::BindingConfigInvalid, "There is no function of this suite at the URL.")
                .hint("Correct the binding's url."),
            413 => Self::new(ErrorCode::PayloadTooLarge, "The platform refused a request of this size."),
            429 => Self::new(ErrorCode::RateLimitExceeded, "The platform throttles the function.").retryable(),
            500.. => {
                Self::new(ErrorCode::ServiceUnavailable, format!("The platform answered {code} for the function."))
                    .retryable()
            }
            _ => Self::new(
                ErrorCode::UnexpectedResponseFormat,
                format!("The answer ({code}) does not come from this suite."),
            ),
        };
        error.0.request_id = request_id.to_owned();
        error
    }

    fn from_transport(error: &reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::new(ErrorCode::Timeout, "The function did not answer in time.")
                .retryable()
                .hint("The call may have taken effect. Repeating it is safe.");
        }
        let host = error.url().and_then(|url| url.host_str()).unwrap_or("the URL");
        Self::new(ErrorCode::ServiceUnavailable, format!("The function at {host} cannot be reached."))
            .retryable()
            .hint("Check the URL and the network.")
    }
}

impl From<progenitor_client::Error<types::Error>> for ArtifactRegistryError {
    fn from(error: progenitor_client::Error<types::Error>) -> Self {
        use progenitor_client::Error::*;
        match error {
            ErrorResponse(answer) => Self(Box::new(answer.into_inner())),
            CommunicationError(cause) | InvalidUpgrade(cause) | ResponseBodyError(cause) => {
                Self::from_transport(&cause)
            }
            UnexpectedResponse(answer) => Self::from_platform(answer.status(), ""),
            InvalidResponsePayload(_, _) => Self::new(
                ErrorCode::UnexpectedResponseFormat,
                "The function's answer does not fit its OpenAPI document.",
            ),
            InvalidRequest(why) => Self::new(ErrorCode::InvalidInput, why),
            // Only the hook that gets a token makes this error.
            Custom(why) => Self::new(ErrorCode::AuthenticationError, why)
                .hint("Give the bearer token that the function's door expects."),
        }
    }
}

impl Deref for ArtifactRegistryError {
    type Target = types::Error;

    fn deref(&self) -> &types::Error {
        &self.0
    }
}

impl fmt::Display for ArtifactRegistryError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code, self.message)?;
        match &self.hint {
            Some(hint) => write!(formatter, " {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ArtifactRegistryError {}

/// The HTTP status of each code (README, "Errors"), for the errors that this crate makes by itself.
fn status_of(code: ErrorCode) -> u16 {
    match code {
        ErrorCode::InvalidInput | ErrorCode::BindingNotConfigured | ErrorCode::BindingConfigInvalid => 400,
        ErrorCode::AuthenticationError => 401,
        ErrorCode::AccessDenied => 403,
        ErrorCode::ResourceNotFound => 404,
        ErrorCode::Timeout => 408,
        ErrorCode::ResourceConflict => 409,
        ErrorCode::PayloadTooLarge => 413,
        ErrorCode::RateLimitExceeded | ErrorCode::QuotaExceeded => 429,
        ErrorCode::InternalError => 500,
        ErrorCode::OperationNotSupported => 501,
        ErrorCode::UnexpectedResponseFormat | ErrorCode::CloudPlatformError => 502,
        ErrorCode::ServiceUnavailable => 503,
    }
}
