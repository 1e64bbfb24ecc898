import Alert from "@cloudscape-design/components/alert";
import SpaceBetween from "@cloudscape-design/components/space-between";
import type { NewBucketKey } from "../../api/types";
import { CommandBlock } from "../../ui/CommandBlock";

/** What an S3 client needs, shown once. */
export function BucketSecret({ made, onClose }: { made: NewBucketKey; onClose: () => void }) {
  return (
    <Alert type="success" header={`Copy the key ${made.name} now`} dismissible dismissAriaLabel="I have saved the key" onDismiss={onClose}>
      <SpaceBetween size="s">
        <p className="problem-line">The secret is shown this once. The key works in a moment.</p>
        <CommandBlock label="AWS command line" text={shell(made)} />
        <CommandBlock label="Python" text={python(made)} />
      </SpaceBetween>
    </Alert>
  );
}

const shell = (key: NewBucketKey) => `export AWS_ACCESS_KEY_ID=${key.access_key_id}
export AWS_SECRET_ACCESS_KEY=${key.secret_access_key}
aws --endpoint-url ${key.endpoint} s3 ls s3://${key.bucket}/`;

const python = (key: NewBucketKey) => `import boto3

s3 = boto3.client(
    "s3",
    endpoint_url="${key.endpoint}",
    aws_access_key_id="${key.access_key_id}",
    aws_secret_access_key="${key.secret_access_key}",
)
s3.upload_file("results.tar", "${key.bucket}", "results.tar")`;
