<?php
/**
 * Plugin Name: Signalbox deploy
 * Description: Asks Signalbox for a deploy when something public is published, changed or taken down.
 *
 * A must-use plugin: it goes to wp-content/mu-plugins/. Make a hook with the source standard-webhooks, and put what it
 * answers into wp-config.php:
 *
 *   define( 'SIGNALBOX_HOOK_URL', 'https://…/hooks/…' );
 *   define( 'SIGNALBOX_HOOK_SECRET', 'whsec_…' );
 */

/**
 * The headers of a signed delivery, as Standard Webhooks has them. Needs nothing of WordPress.
 *
 * @param string $secret    The hook's secret: whsec_ and base64.
 * @param string $id        Tells deliveries apart. No dots.
 * @param int    $timestamp Seconds since 1970.
 * @param string $body      Exactly what is sent.
 * @throws InvalidArgumentException When the secret is not written like one.
 */
function signalbox_headers( string $secret, string $id, int $timestamp, string $body ): array {
	$key = 0 === strncmp( $secret, 'whsec_', 6 ) ? base64_decode( substr( $secret, 6 ), true ) : false;
	if ( false === $key || strlen( $key ) < 24 ) {
		throw new InvalidArgumentException( 'SIGNALBOX_HOOK_SECRET is not the secret of a hook: whsec_ and base64.' );
	}
	$mac = hash_hmac( 'sha256', "$id.$timestamp.$body", $key, true );
	return array(
		'content-type'      => 'application/json',
		'webhook-id'        => $id,
		'webhook-timestamp' => (string) $timestamp,
		'webhook-signature' => 'v1,' . base64_encode( $mac ),
	);
}

/** What a change means to visitors; null when they can't see it. */
function signalbox_change( string $new_status, string $old_status, object $post ): ?string {
	$is_public  = 'publish' === $new_status;
	$was_public = 'publish' === $old_status;
	if ( ( ! $is_public && ! $was_public ) || ! is_post_type_viewable( $post->post_type ) ) {
		return null;
	}
	$word = $is_public ? ( $was_public ? 'Changed' : 'Published' ) : 'Unpublished';
	return "$word: {$post->post_title}";
}

/** Posts one delivery, and leaves in the log what went wrong. The log gets neither URL nor secret. */
function signalbox_send( array $changes ): void {
	$user  = wp_get_current_user();
	$more  = count( $changes ) - 1;
	$event = array(
		'event'  => 'content.changed',
		'title'  => $changes[0] . ( $more > 0 ? " (and $more more)" : '' ),
		'author' => $user->exists() ? $user->user_login : null,
	);
	$body  = (string) wp_json_encode( $event );
	try {
		$headers = signalbox_headers( SIGNALBOX_HOOK_SECRET, 'wp_' . bin2hex( random_bytes( 16 ) ), time(), $body );
	} catch ( InvalidArgumentException $e ) {
		error_log( 'Signalbox: ' . $e->getMessage() );
		return;
	}
	$response = wp_remote_post(
		SIGNALBOX_HOOK_URL,
		array(
			'headers'     => $headers,
			'body'        => $body,
			'timeout'     => 10,
			'redirection' => 0,
		)
	);
	if ( is_wp_error( $response ) ) {
		error_log( 'Signalbox was not reached: ' . $response->get_error_code() );
		return;
	}
	$status = (int) wp_remote_retrieve_response_code( $response );
	if ( $status < 200 || $status > 299 ) {
		$answer = json_decode( wp_remote_retrieve_body( $response ), true );
		error_log( "Signalbox answered $status: " . ( $answer['detail'] ?? 'no reason was given.' ) );
	}
}

/** Gathers what one request changes (a bulk edit changes many posts) and tells of it once, when the page is done. */
function signalbox_watch(): void {
	$changes = array();
	$note    = function ( string $new_status, string $old_status, object $post ) use ( &$changes ): void {
		$change = signalbox_change( $new_status, $old_status, $post );
		if ( null !== $change ) {
			$changes[] = $change;
		}
	};
	add_action( 'transition_post_status', $note, 10, 3 );
	// A post that is deleted past the trash changes no status.
	add_action(
		'deleted_post',
		function ( int $id, object $post ) use ( $note ): void {
			$note( 'deleted', $post->post_status, $post );
		},
		10,
		2
	);
	add_action(
		'shutdown',
		function () use ( &$changes ): void {
			if ( array() !== $changes ) {
				signalbox_send( $changes );
			}
		}
	);
}

if ( function_exists( 'add_action' ) && defined( 'SIGNALBOX_HOOK_URL' ) && defined( 'SIGNALBOX_HOOK_SECRET' ) ) {
	signalbox_watch();
}
