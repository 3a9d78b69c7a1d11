import {
  type Algorithm,
  artifact,
  type Content,
  type Descriptor,
  fresh,
  image,
  index,
  TYPES,
} from "../judge/content.ts";

export type Referrer = {
  readonly make: (subject: Descriptor, algorithm: Algorithm) => Content;
  readonly artifactType?: string;
};

const notes = { "org.example.note": "ä note", "org.opencontainers.image.created": "2026-01-01T00:00:00Z" };

/** Every form that a referrer may take, and the `artifactType` that it is listed with. */
export const REFERRERS: Readonly<Record<string, Referrer>> = {
  "an artifact": {
    make: (subject, algorithm) => artifact(TYPES.artifact, { algorithm, fields: { subject } }),
    artifactType: TYPES.artifact,
  },
  "an artifact of another type": {
    make: (subject, algorithm) => artifact(TYPES.otherArtifact, { algorithm, fields: { subject, annotations: notes } }),
    artifactType: TYPES.otherArtifact,
  },
  "an image without artifactType": {
    make: (subject, algorithm) => image({ algorithm, fields: { subject, annotations: notes } }),
    artifactType: TYPES.config,
  },
  "an image whose artifactType is empty": {
    make: (subject, algorithm) => image({ algorithm, fields: { subject, artifactType: "" } }),
    artifactType: TYPES.config,
  },
  "an image whose config names a type": {
    make: (subject, algorithm) =>
      image({ algorithm, config: fresh(20), configType: "application/vnd.example.config", fields: { subject } }),
    artifactType: "application/vnd.example.config",
  },
  "an index with artifactType": {
    make: (subject, algorithm) => index([], { algorithm, fields: { subject, artifactType: TYPES.artifact } }),
    artifactType: TYPES.artifact,
  },
  "an index without artifactType": {
    make: (subject, algorithm) => index([], { algorithm, fields: { subject, annotations: { ...notes, of: "index" } } }),
  },
  "an index whose artifactType is empty": {
    make: (subject, algorithm) => index([], { algorithm, fields: { subject, artifactType: "" } }),
  },
};
